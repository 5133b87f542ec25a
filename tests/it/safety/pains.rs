//! Twenty things that hurt people who let Git decide, and the tests that they do not happen here.
//!
//! | | what does not happen | shown by |
//! |---|---|---|
//! | 1 | a wait that nobody can name | `it::run::faults::calls::each_call_is_never_answered_once`, `it::safety::pains::pain_01_a_look_that_is_never_answered_is_named`, `it::aws::a_hung_service_is_given_up_at_the_deadline`, `lib::cli::render::why::every_unit_says_what_why_until_when_and_what_to_do` |
//! | 2 | a failing commit stands in the way of the one that mends it | `it::safety::pains::pain_02_a_good_commit_does_not_wait_for_bad_ones` |
//! | 3 | a status that was not seen | `it::safety::pains::pain_03_nothing_is_claimed_that_could_not_be_read`, `lib::cli::status::only_what_is_seen_in_sync_is_good` |
//! | 4 | deletion because something is not in sight | `it::safety::pains::pain_04_nothing_is_deleted_because_it_is_not_in_sight`, `it::safety::repositories::pain_04_nor_where_the_tree_is_empty_or_unreadable` |
//! | 5 | remains of a deployment that failed half-way | `it::safety::pains::pain_05_what_a_failed_deployment_left_is_found_and_collected`, `it::sim::removal::what_nobody_needs_is_collected_and_what_a_rollback_needs_is_kept` |
//! | 6 | doubles after a crash or a lost answer | `it::run::kill::each::a_daemon_that_is_killed_before_and_after_each_call_does_each_thing_once`, `it::run::faults::calls::each_change_is_done_and_answered_with_an_error_once`, `it::sim::crash::first_deploy`, `it::sim::crash::new_release`, `it::sim::seeds::storms_end_as_runs_without`, `it::run::kill::a_daemon_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing` |
//! | 7 | differences that are none | `it::safety::pains::pain_07_what_the_service_adds_or_reorders_is_no_difference`, `it::properties::compare::what_the_service_makes_of_a_body_is_no_change` |
//! | 8 | a fight with the autoscaler | `it::sim::rollout::counts_belong_to_the_load_where_it_counts_and_to_git_elsewhere` |
//! | 9 | a rollback that is undone, or that waits for Git | `it::run::rollback::pain_09_a_rollback_while_git_is_away_is_followed_at_once_and_filed_once`, `it::sim::orders::people_win_over_an_order_that_was_filed`, `it::sim::crash::rollback_while_git_is_away`, `it::run::reverts::of_a_release_that_trueup_made`, `it::sim::reverts::of_a_release_that_trueup_made`, `it::sim::crash::release_and_revert` |
//! | 10 | work for models that a commit does not concern | `it::safety::repositories::pain_10_one_commit_of_thousands_of_models_wakes_one` |
//! | 11 | hooks that are forged, lost or too many | `it::run::hooks::pain_11_a_flood_of_hooks_costs_nothing_and_a_push_among_them_is_seen`, `lib::web::who_does_not_know_the_secret_is_not_heard`, `lib::web::hooks_that_come_together_are_one_hint` |
//! | 12 | more requests to the Git host than it bears | `it::safety::repositories::pain_12_many_models_are_one_request`, `it::git::remotes::a_host_that_asks_to_be_left_alone_is_understood`, `lib::daemon::cadence::pauses_grow_up_to_a_bound`, `it::git::remotes::a_look_that_finds_nothing_new_is_one_request`, `it::run::sources::pain_12_hundreds_of_repositories_share_what_their_host_bears_and_a_dead_one_delays_none`, `lib::daemon::pace::what_moved_lately_is_looked_at_more_often_and_all_is_borne`, `lib::daemon::pace::a_host_that_asks_for_it_is_left_alone_by_all`, `lib::git::retry_after::a_host_is_asked_with_the_credentials_that_are_for_it` |
//! | 13 | odd remotes that stop everything | `it::run::faults::away::an_outage_is_told_once_costs_little_and_is_over_when_it_is_over`, `it::run::remote::pain_13_a_remote_that_is_away_is_told_and_rolls_nothing_back`, `it::run::remote::pain_13_a_daemon_that_begins_while_the_remote_is_away_goes_on_with_what_was_seen`, `it::git::remotes::a_rewritten_history_is_followed_and_told`, `it::git::remotes::a_token_that_is_refused_for_a_while_is_told_and_forgets_nothing`, `it::git::remotes::a_server_that_has_only_the_newest_commits_is_told_from_one_that_is_away`, `it::git::remotes::a_branch_that_was_renamed_or_deleted_is_said_to_be_gone`, `it::git::remotes::what_is_not_there_is_said`, `it::git::remotes::a_server_that_says_nothing_is_given_up_on`, `it::sim::crash::force_push` |
//! | 14 | remains of a crash that a person must remove | `it::run::kill::each::a_daemon_that_is_killed_before_and_after_each_call_does_each_thing_once`, `it::run::kill::local::a_local_sagemaker_that_is_killed_before_and_after_each_change_is_gone_on_with`, `it::git::mirrors::what_a_killed_process_left_behind_goes`, `lib::execute::lease::keeper_tests::who_ended_in_the_same_place_is_not_waited_for`, `it::git::mirrors::a_damaged_mirror_is_fetched_anew`, `it::local::killed::a_killed_server_leaves_no_process_and_loses_nothing`, `it::run::kill::a_daemon_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing` |
//! | 15 | memory that grows | `it::run::kill::passes::ten_thousand_passes_over_a_moving_branch_leave_memory_and_open_files_as_they_were`, `it::run::kill::a_daemon_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing`, `it::run::kill::soak` |
//! | 16 | a few models that slow all | `lib::daemon::agenda::models_that_misbehave_delay_no_other_by_a_tenth`, `it::isolation::a_model_that_panics_is_broken_or_never_ends_keeps_no_other_waiting` |
//! | 17 | harm by two daemons | `it::run::lease::pain_17_of_two_daemons_one_leads_and_the_other_takes_over_when_it_is_killed`, `it::sim::lease::of_two_daemons_one_changes_things_at_a_time_whatever_happens_to_them`, `it::sim::lease::who_was_frozen_in_the_middle_of_a_pass_changes_nothing_when_it_wakes_up`, `lib::execute::lease::model_tests::never_two_may_write_whatever_happens_to_a_leader`, `lib::execute::lease::model_tests::never_two_of_three_may_write`, `it::sim::crash::two_daemons`, `it::git::writes::of_two_racing_writers_exactly_one_wins`, `it::git::mirrors::a_mirror_has_one_writer` |
//! | 18 | more calls than the account bears | `lib::aws::budget::calls_are_spread_and_operations_and_regions_do_not_share`, `lib::aws::budget::throttling_lowers_the_rate_and_answers_raise_it_again`, `it::sim::seeds::a_throttled_run_asks_at_most_half_as_much_again` |
//! | 19 | messages that drown people, or give secrets away | `lib::cli::render::digest::an_outage_of_a_thousand_models_is_one_digest`, `lib::cli::render::digest::what_flaps_for_a_day_is_told_less_and_less_often`, `lib::cli::render::news::steps_are_news_and_a_refusal_is_told_once`, `it::safety::secrets::attack_17_planted_secrets_appear_nowhere` |
//! | 20 | writers who race on one branch and feed each other, and a pause without end | `it::run::crowd::pain_20_what_a_person_and_five_bots_push_lands_and_so_does_the_release`, `it::run::bots::fifty_commits_of_bots_train_nothing`, `it::git::writes::a_push_that_is_overtaken_after_its_look_has_moved`, `it::sim::reverts::fifty_commits_of_trueups_own_kind_do_not_train`, `it::run::kill::a_daemon_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing`, `it::sim::suspend::nothing_is_done_until_the_time_is_over` |

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use trueup::clock::SignedDuration;
use trueup::execute::pass::{Mode, UnitPass};
use trueup::plan::report::State;
use trueup::resource::call::Call;
use trueup::resource::desired::Resource;
use trueup::resource::kind::Naming;
use trueup::resource::kinds::KINDS;

use crate::properties::body::served;
use crate::sim::checks::plant_strangers;
use crate::sim::kinds::settled_full;
use crate::sim::random::Random;
use crate::sim::repository::{FleetKind, path};
use crate::sim::stage::{Stage, scope};
use crate::sim::weather::{Calm, Fate, Sight, Weather};
use crate::sim::workload::{Deed, FIRST_AUC};

/// Passes that have to change nothing.
const PASSES: usize = 5;

/// What becomes of looks.
struct Eyes {
    /// Of these operations; `None`: of all.
    of: Option<&'static str>,
    sight: Sight,
    /// What was asked.
    asked: BTreeSet<&'static str>,
}

impl Eyes {
    fn new(of: Option<&'static str>, sight: Sight) -> Self {
        let asked = BTreeSet::new();
        Self { of, sight, asked }
    }
}

impl Weather for Eyes {
    fn sight(&mut self, look: &Call, _: &mut Stage) -> Sight {
        self.asked.insert(look.op);
        if self.of.is_none_or(|of| of == look.op) {
            self.sight
        } else {
            Sight::Clear
        }
    }
}

fn settled() -> Stage {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    stage
}

/// Everything that there is, by how it is described.
fn things(stage: &Stage) -> BTreeMap<&'static str, Vec<Value>> {
    let described = KINDS.iter().map(|kind| kind.ops.describe);
    described
        .map(|op| (op, stage.world.peek_all(&scope(), op).cloned().collect()))
        .collect()
}

#[test]
fn pain_01_a_look_that_is_never_answered_is_named() {
    let stage = settled_full();
    let mut all = Eyes::new(None, Sight::Clear);
    stage.clone().pass(Mode::Plan, &mut all);
    assert!(all.asked.len() > 12, "only {:?}", all.asked);
    for op in all.asked {
        let mut stage = stage.clone();
        let pass = stage.pass(Mode::Apply, &mut Eyes::new(Some(op), Sight::Lost));
        let notes = pass.units.iter().flat_map(|unit| &unit.report.notes);
        let named = notes
            .filter(|note| note.state == State::Unknown)
            .find(|note| note.message.contains(op));
        let all = pass.units.iter().map(|unit| &unit.report);
        assert!(named.is_some(), "{op}: {:#?}", all.collect::<Vec<_>>());
    }
}

#[test]
fn pain_02_a_good_commit_does_not_wait_for_bad_ones() {
    let script = path("src/train.py");
    let bad = |number: u32| format!("raise ValueError({number})\n");
    for seen in [false, true] {
        let mut stage = settled();
        let before = stage.made("StartPipelineExecution");
        stage.forge.commit(&[(&script, Some(bad(1).as_bytes()))]);
        if seen {
            // The first of them is being trained when the others come.
            stage.pass(Mode::Apply, &mut Calm);
        }
        stage.forge.commit(&[(&script, Some(bad(2).as_bytes()))]);
        stage.forge.commit(&[(&script, Some(b"AUC = 0.9\n"))]);
        let good = stage.tip();
        stage.settle(&mut Calm);
        let started = stage.made("StartPipelineExecution") - before;
        assert_eq!(started, 1 + u64::from(seen), "a bad commit was trained");
        let release = stage.forge.text(&path("releases/staging.yaml")).unwrap();
        let release = trueup::config::read_release(release.as_bytes()).unwrap();
        assert_eq!(release.main().unwrap().commit, good.0);
    }
}

#[test]
fn pain_03_nothing_is_claimed_that_could_not_be_read() {
    for sight in [Sight::Denied, Sight::Lost, Sight::Throttled] {
        let mut stage = settled();
        let changes = stage.ledger.changes;
        let pass = stage.pass(Mode::Apply, &mut Eyes::new(None, sight));
        assert_eq!(pass.units.len(), 3);
        let states: Vec<_> = pass.units.iter().map(UnitPass::state).collect();
        assert_eq!(states, [State::Unknown; 3], "{sight:?}");
        assert!(!pass.is_settled());
        assert_eq!(stage.ledger.changes, changes);
        // It is seen again as soon as it can be.
        stage.stays_quiet();
    }
}

#[test]
fn pain_04_nothing_is_deleted_because_it_is_not_in_sight() {
    let check = |deed: Deed, of: Option<&'static str>, sight: Sight| {
        let mut stage = settled();
        plant_strangers(&mut stage);
        let before = things(&stage);
        stage.perform(deed);
        for _ in 0..PASSES {
            stage.sweep(Mode::Apply, &mut Eyes::new(of, sight));
            stage.tick();
        }
        let deletes = KINDS.iter().filter_map(|kind| kind.ops.delete);
        let deleted: u64 = deletes.map(|op| stage.made(op)).sum();
        assert_eq!(deleted, 0, "{deed:?} {of:?} {sight:?}");
        assert_eq!(things(&stage), before, "{deed:?} {of:?} {sight:?}");
    };
    for deed in [Deed::Watch, Deed::Remove(0), Deed::Break(0)] {
        check(deed, None, Sight::Clear);
        check(deed, None, Sight::Partial);
        check(deed, None, Sight::Denied);
        for list in ["ListPipelineExecutions", "ListModelPackages"] {
            check(deed, Some(list), Sight::Lost);
        }
    }
}

/// What the objects are called of which a resource is one.
fn names(stage: &Stage, resource: &Resource) -> Vec<String> {
    let kind = resource.kind;
    match kind.naming {
        Naming::Mutable => vec![resource.stem.clone()],
        Naming::Digest => {
            let scope = scope();
            let all = stage.world.peek_all(&scope, kind.ops.describe);
            all.filter_map(|body| body[kind.id].as_str().map(str::to_owned))
                .collect()
        }
    }
}

/// Refuses one operation.
struct Refuses(&'static str);

impl Weather for Refuses {
    fn fate(&mut self, call: &Call, _: &Stage) -> Fate {
        if call.op == self.0 {
            Fate::Quota
        } else {
            Fate::Made
        }
    }
}

#[test]
fn pain_05_what_a_failed_deployment_left_is_found_and_collected() {
    let mut stage = Stage::with(FleetKind::Tiny);
    stage.play(&[Deed::Watch], &mut Calm);
    let models = |stage: &Stage| {
        let scope = scope();
        let all = stage.world.peek_all(&scope, "DescribeModel");
        let names = all.map(|one| one["ModelName"].clone());
        names.collect::<Vec<_>>()
    };
    let before = models(&stage);
    stage.perform(Deed::Train(1, 0.71));
    stage.linger(20, &mut Refuses("CreateEndpointConfig"));
    let after = models(&stage);
    let left: Vec<_> = after.iter().filter(|one| !before.contains(one)).collect();
    assert_eq!(left.len(), 1, "the second of two things was refused");
    stage.play(&[Deed::RevertTraining(1)], &mut Calm);
    for n in 2..7 {
        stage.play(&[Deed::Train(1, 0.7 + f64::from(n) / 100.0)], &mut Calm);
    }
    assert!(models(&stage).contains(left[0]), "a rollback may need it");
    stage.after(SignedDuration::from_hours(31 * 24), &mut Calm);
    stage.survey = true;
    stage.settle(&mut Calm);
    assert!(!models(&stage).contains(left[0]));
    let scope = scope();
    let configs = stage.world.peek_all(&scope, "DescribeEndpointConfig");
    let configs: Vec<_> = configs.map(Value::to_string).collect();
    for model in models(&stage) {
        let used = configs
            .iter()
            .any(|config| config.contains(&model.to_string()));
        assert!(used, "{model} is in no endpoint config");
    }
}

#[test]
fn pain_07_what_the_service_adds_or_reorders_is_no_difference() {
    let stage = settled_full();
    let prepared = crate::sim::present::present(&stage.forge, &stage.tip());
    let desired = &prepared.models[0].prepared.desired;
    for seed in 0..40 {
        let random = &mut Random::new(seed, 7);
        let (mut stage, mut edited) = (stage.clone(), BTreeSet::new());
        for resource in desired.iter().flat_map(|unit| &unit.resources) {
            let kind = resource.kind;
            for name in names(&stage, resource) {
                let edit = |body: &mut Value| *body = served(kind, "", body, random);
                if stage.world.edit(&scope(), kind.ops.describe, &name, edit) {
                    edited.insert(kind.name);
                }
            }
        }
        assert!(edited.len() > 10, "{edited:?}");
        let pass = stage.pass(Mode::Plan, &mut Calm);
        for unit in &pass.units {
            assert!(unit.plan.is_empty(), "seed {seed}: {:#}", unit.plan.json());
        }
    }
}
