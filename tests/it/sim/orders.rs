//! A rollback that is ordered while Git is away: followed at once, filed once, and never more than
//! Git, time and tags allow.

use std::collections::BTreeSet;

use serde_json::json;
use trueup::clock::SignedDuration;
use trueup::cloud::drive;
use trueup::config::release_file;
use trueup::config::{read_quarantine, read_release};
use trueup::execute::order::{GiveOrder, Refused};
use trueup::execute::orders::FindOrders;
use trueup::execute::pass::Mode;
use trueup::plan::cause::Cause;
use trueup::plan::overriding::{Override, place};
use trueup::plan::report::{Note, State};
use trueup::plan::rollback::Left;
use trueup::release::Release;
use trueup::resource::owner::{OVERRIDE, SELF};
use trueup::snapshot::ObjectId;

use super::forge::MAIN;
use super::present::present;
use super::repository::{CONFIG, FleetKind, path};
use super::stage::{Stage, scope};
use super::weather::Calm;
use super::workload::{Deed, FIRST_AUC, NAMES};

const RELEASE: &str = "releases/production.yaml";
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Stage {
    /// What `trueup rollback` would order now.
    fn wanted(&self, model: &str, environment: &str) -> Override {
        let tip = self.tip();
        let present = present(&self.forge, &tip);
        let mut models = present.models.iter();
        let model = models.find(|one| one.config.name == model).expect("it");
        let path = release_file(&model.loaded.folder, environment);
        let left = Left {
            file: &path,
            release: &model.loaded.releases[environment],
            quarantine: &model.loaded.quarantine,
        };
        let history = self.forge.versions(&tip, &path).map(Ok::<_, String>);
        let text = |blob: &ObjectId| Ok(self.forge.text_of(&tip, &path, blob));
        let earlier = left.earlier(None, history, text).expect("an earlier one");
        let name = &model.config.name;
        let endpoint = format!("{name}-{environment}");
        Override {
            place: place(&format!("acme/{name}/{environment}"), &endpoint),
            over: present.snapshot.files[&path].blob.clone(),
            on: tip.0.clone(),
            to: earlier.file,
            at: self.now,
            until: self.now + DAY,
            quarantine: true,
            by: "ada".to_owned(),
            reason: "wrong answers".to_owned(),
        }
        .fitted()
    }

    /// Writes an order to an endpoint.
    fn give(&mut self, model: &str, environment: &str, order: Override) -> Result<(), Refused> {
        let endpoint = format!("{model}-{environment}");
        let owner = format!("acme/{model}/{environment}");
        let give = GiveOrder::new(&scope(), &endpoint, &owner, order);
        let now = self.now;
        drive(give, now, |call| self.world.call(now, call))
    }

    /// Orders an environment to go back.
    pub(crate) fn order(&mut self, model: &str, environment: &str) {
        let order = self.wanted(model, environment);
        self.give(model, environment, order).expect("it is ours");
    }

    fn release(&self, file: &str) -> Release {
        let text = self.forge.text(file).expect("a release");
        read_release(text.as_bytes()).expect("a release")
    }
}

/// Two versions were promoted, the second serves; and what the first served with.
fn two_versions() -> (Stage, String) {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    let first = stage.config_of("churn-production");
    stage.play(&[Deed::Train(0, 0.9), Deed::Promote(0)], &mut Calm);
    assert_ne!(stage.config_of("churn-production"), first);
    (stage, first)
}

fn made(stage: &Stage) -> [u64; 3] {
    let ops = [
        "CreateModel",
        "CreateEndpointConfig",
        "StartPipelineExecution",
    ];
    ops.map(|op| stage.made(op))
}

/// What production says of an order.
fn said(stage: &mut Stage) -> Vec<Note> {
    let pass = stage.pass(Mode::Plan, &mut Calm);
    let mut units = pass.units.into_iter();
    let unit = units.find(|unit| unit.plan.unit.place == "production");
    let notes = unit.expect("the unit").report.notes.into_iter();
    let about = [Cause::RolledBack, Cause::RollbackHeld];
    notes.filter(|note| about.contains(&note.reason)).collect()
}

#[test]
fn an_order_is_followed_while_git_is_away_and_filed_once_when_it_is_back() {
    let (mut stage, first) = two_versions();
    let staging = stage.config_of("churn-staging");
    let (before, commits) = (made(&stage), stage.forge.bot_commits);
    let then = {
        let tip = stage.forge.tip(MAIN);
        let earlier = stage.forge.parent(&tip).expect("a commit before");
        let text = stage.forge.snapshot(&earlier);
        text.text(&path(RELEASE)).expect("it").to_owned()
    };
    let left = stage.release(&path(RELEASE));
    stage.play(&[Deed::Order(0)], &mut Calm);
    assert_eq!(stage.config_of("churn-production"), first);
    assert_eq!(stage.config_of("churn-staging"), staging);
    assert_eq!(made(&stage), before, "nothing new is made");
    assert_eq!(stage.forge.bot_commits, commits);
    let changes = stage.ledger.changes;
    stage.linger(10, &mut Calm);
    assert_eq!(stage.ledger.changes, changes, "it is followed once");
    let [note] = said(&mut stage).try_into().expect("one");
    assert_eq!(
        (note.reason, note.state),
        (Cause::RolledBack, State::Diverged)
    );
    assert!(note.deadline.is_some() && note.since.is_some());
    for words in [
        OVERRIDE,
        "churn/1",
        "churn/2",
        "ada",
        "wrong answers",
        "Git says otherwise",
    ] {
        assert!(note.message.contains(words), "{words}: {}", note.message);
    }

    stage.play(&[Deed::Return], &mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.forge.bot_commits, commits + 1, "one commit");
    assert_eq!(
        stage.forge.text(&path(RELEASE)),
        Some(then),
        "byte for byte"
    );
    let list = stage.forge.text(&path("quarantine.yaml")).expect("a list");
    let [line] = read_quarantine(&list)
        .expect("it")
        .try_into()
        .expect("one line");
    assert_eq!(line.package, left.main().expect("a package").arn);
    assert_eq!(
        (line.by.as_str(), line.reason.as_str()),
        ("ada", "wrong answers")
    );
    assert_eq!(stage.config_of("churn-production"), first);
    assert_eq!(made(&stage), before, "nothing new is made");
    assert!(said(&mut stage).is_empty());
    // The tag is still there, and means nothing, after its time neither.
    stage.after(DAY, &mut Calm);
    stage.stays_quiet();
}

#[test]
fn people_win_over_an_order_that_was_filed() {
    let (mut stage, first) = two_versions();
    let second = stage.config_of("churn-production");
    stage.play(&[Deed::Order(0), Deed::Return], &mut Calm);
    assert_eq!(stage.config_of("churn-production"), first);
    // The release file is the overridden one again, byte for byte.
    let filed = stage.tip();
    stage.forge.revert(&filed);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-production"), second);
    assert!(said(&mut stage).is_empty());
}

#[test]
fn after_its_time_an_order_has_no_effect() {
    let (mut stage, first) = two_versions();
    let second = stage.config_of("churn-production");
    let commits = stage.forge.bot_commits;
    stage.play(&[Deed::Order(0)], &mut Calm);
    assert_eq!(stage.config_of("churn-production"), first);
    stage.after(DAY, &mut Calm);
    stage.settle(&mut Calm);
    assert_eq!(stage.config_of("churn-production"), second, "Git decides");
    stage.play(&[Deed::Return], &mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.forge.bot_commits, commits, "there is nothing to file");
}

#[test]
fn what_git_says_since_takes_an_order_back() {
    let (mut stage, first) = two_versions();
    let order = stage.wanted("churn", "production");
    let second = stage.config_of("churn-production");
    let (commits, release) = (stage.forge.bot_commits, path(RELEASE));
    // Somebody asks for the second once more, which is another file.
    let text = stage.forge.text(&release).expect("it");
    let again = text.replace("attempt: 1", "attempt: 2");
    assert_ne!(again, text);
    stage.forge.commit(&[(&release, Some(again.as_bytes()))]);
    stage.give("churn", "production", order).expect("ours");
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-production"), second);
    // And takes that back: the file is as it was, and the order is not for this commit.
    stage.forge.commit(&[(&release, Some(text.as_bytes()))]);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-production"), second);
    assert_eq!(stage.forge.bot_commits, commits);
    // A commit about anything else leaves an order as it is.
    let (mut stage, _) = two_versions();
    stage
        .give("churn", "production", stage.wanted("churn", "production"))
        .expect("ours");
    let more = CONFIG.replace("sampling_percentage: 100", "sampling_percentage: 50");
    stage
        .forge
        .commit(&[(&path("README.md"), Some(more.as_bytes()))]);
    stage.settle(&mut Calm);
    assert_eq!(stage.config_of("churn-production"), first);
}

#[test]
fn an_order_goes_back_under_another_configuration_too() {
    let (mut stage, first) = two_versions();
    let second = stage.config_of("churn-production");
    let bigger = CONFIG.replace("ml.m5.large", "ml.m5.xlarge");
    stage
        .forge
        .commit(&[(&path("config.yaml"), Some(bigger.as_bytes()))]);
    stage.settle(&mut Calm);
    let bigger = stage.config_of("churn-production");
    stage.play(&[Deed::Order(0)], &mut Calm);
    let now = stage.config_of("churn-production");
    let others = [first, second, bigger];
    assert!(!others.contains(&now), "the first never ran so");
    stage.play(&[Deed::Return], &mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-production"), now);
}

/// Gives production an order that is edited, and lets passes go by: nothing comes of it.
fn nothing_comes_of(edit: impl FnOnce(&mut Stage, &mut Override)) -> Vec<Note> {
    let (mut stage, _) = two_versions();
    let second = stage.config_of("churn-production");
    let mut order = stage.wanted("churn", "production");
    let commits = stage.forge.bot_commits;
    stage
        .give("churn", "production", order.clone())
        .expect("ours");
    edit(&mut stage, &mut order);
    let owns = stage.give("churn", "production", order).is_ok();
    stage.linger(12, &mut Calm);
    assert_eq!(stage.config_of("churn-production"), second);
    assert_eq!(stage.forge.bot_commits, commits);
    assert_eq!(stage.ledger.violations, []);
    if owns { said(&mut stage) } else { Vec::new() }
}

#[test]
fn what_is_not_for_this_endpoint_and_release_has_no_effect() {
    // The tag was copied from staging, where it is good: the release files are the same.
    let notes = nothing_comes_of(|stage, order| *order = stage.wanted("churn", "staging"));
    assert_eq!(notes, []);
    let notes = nothing_comes_of(|_, order| order.on = "0".repeat(16));
    assert_eq!(notes, [], "given on another history");
    let notes = nothing_comes_of(|stage, order| {
        order.at = stage.now - DAY - DAY;
        order.until = stage.now - DAY;
    });
    assert_eq!(notes, [], "it ran out");
    // All tags are those of another endpoint.
    nothing_comes_of(|stage, _| {
        let (found, _) = stage
            .world
            .peek(&scope(), "DescribeEndpoint", "churn-production")
            .expect("it");
        let arn = found["EndpointArn"].clone();
        let copied = json!([{"Key": SELF, "Value": "churn-staging"}]);
        stage.console("AddTags", json!({"ResourceArn": arn, "Tags": copied}));
    });
}

#[test]
fn what_cannot_be_followed_is_held_and_says_why() {
    let held = |notes: Vec<Note>, words: &str| {
        let [note] = notes.try_into().expect("one");
        assert_eq!(
            (note.reason, note.state),
            (Cause::RollbackHeld, State::Held)
        );
        assert!(note.message.contains(words), "{}", note.message);
        assert!(note.deadline.is_some());
    };
    let never = nothing_comes_of(|_, order| order.to = ObjectId("d".repeat(40)));
    held(never, "was never `dddddddd` before");
    let quarantined = nothing_comes_of(|stage, _| {
        let earlier = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1";
        let list = format!("- {{package: \"{earlier}\", reason: slow}}\n");
        let file = path("quarantine.yaml");
        stage.forge.commit(&[(&file, Some(list.as_bytes()))]);
    });
    held(quarantined, "is quarantined (slow)");
}

/// What was rolled back in one environment neither rolls nor is promoted to the next, with Git away and
/// when it is back.
#[test]
fn what_was_left_is_not_promoted() {
    let mut stage = Stage::with(FleetKind::Plain);
    stage.settle(&mut Calm);
    stage.after(SignedDuration::from_mins(15), &mut Calm);
    stage.settle(&mut Calm);
    let production = stage.config_of("fraud-production");
    let first = stage.config_of("fraud-staging");
    stage.perform(Deed::Train(1, 0.9));
    while stage.config_of("fraud-staging") == first {
        stage.sweep(Mode::Apply, &mut Calm);
        stage.tick();
    }
    stage.away = true;
    stage.order(NAMES[1], "staging");
    for _ in 0..20 {
        stage.linger(2, &mut Calm);
        stage.after(SignedDuration::from_mins(15), &mut Calm);
    }
    assert_eq!(stage.config_of("fraud-staging"), first);
    stage.away = false;
    stage.settle(&mut Calm);
    stage.after(SignedDuration::from_mins(15), &mut Calm);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("fraud-staging"), first);
    assert_eq!(stage.config_of("fraud-production"), production);
    assert_eq!(stage.ledger.violations, []);
}

#[test]
fn one_search_a_scope_shows_what_was_ordered_to_us() {
    let (mut stage, _) = two_versions();
    let find = |stage: &mut Stage, installation: &str| {
        let now = stage.now;
        let find = FindOrders::new(&BTreeSet::from([scope()]), installation);
        let (mut asked, world) = (0, &mut stage.world);
        let found = drive(find, now, |call| {
            asked += 1;
            world.call(now, call)
        });
        assert_eq!(asked, 1);
        found
    };
    let (none, gaps) = find(&mut stage, "acme");
    assert!(none.is_empty() && gaps.is_empty());
    let order = stage.wanted("churn", "production");
    stage.order("churn", "production");
    let (found, _) = find(&mut stage, "acme");
    let owner = "acme/churn/production".to_owned();
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [(owner, order.text())]
    );
    let (others, _) = find(&mut stage, "acm");
    assert!(others.is_empty());
}

#[test]
fn an_order_is_given_to_an_endpoint_of_ours_alone() {
    let (mut stage, _) = two_versions();
    let order = stage.wanted("churn", "production");
    let no = stage.give("churn", "canary", order.clone());
    assert!(matches!(no, Err(Refused::NoEndpoint { .. })), "{no:?}");
    let owner = "other/churn/production";
    let give = GiveOrder::new(&scope(), "churn-production", owner, order);
    let now = stage.now;
    let no = drive(give, now, |call| stage.world.call(now, call));
    assert!(matches!(no, Err(Refused::NotOurs { .. })), "{no:?}");
    assert_eq!(stage.made("AddTags"), {
        let (clean, _) = two_versions();
        clean.made("AddTags")
    });
}
