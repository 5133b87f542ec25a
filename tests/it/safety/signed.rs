//! Commits that are to be signed, with keys and signatures of `ssh-keygen`.

use std::collections::BTreeMap;

use git2::Oid;
use tempfile::TempDir;
use trueup::clock::Timestamp;
use trueup::git::{Mirror, Source};
use trueup::limits::SIGNED_COMMITS_MAX;
use trueup::reconcile::Reconciler;
use trueup::signing::Signers;
use trueup::snapshot::{ObjectId, Write};

use super::repositories::{INSTALLATION, NOWHERE, open, process, revised, s3};
use crate::support::keys::TestKeys;
use crate::support::repository::TempRepository;

pub(super) const LIST: &str = ".trueup/allowed_signers";
const CONFIG: &str = "models/m/config.yaml";
const RELEASE: &str = "models/m/releases/staging.yaml";

/// A repository whose commits are to be signed, and who reads it.
pub(super) struct Stage {
    pub(super) repository: TempRepository,
    keys: TestKeys,
    reconciler: Reconciler,
    /// Goes with the stage.
    pub(super) cache: TempDir,
}

/// `trueup.yaml` with these commits asked for.
pub(super) fn trueup(commits: &str) -> String {
    format!("{INSTALLATION}commits: {commits}\n")
}

pub(super) fn oid(id: &ObjectId) -> Oid {
    Oid::from_str(&id.0).unwrap()
}

/// A file of the repository that nobody reads.
pub(super) fn note(text: &str) -> [(&str, Option<&str>); 1] {
    [("note.txt", Some(text))]
}

impl Stage {
    /// The first commit is Ada's, who is in the list with the program `bot`.
    pub(super) async fn new(commits: &str) -> (Self, ObjectId) {
        Self::with(commits, |_| {}).await
    }

    pub(super) async fn with(commits: &str, equip: impl FnOnce(&mut Source)) -> (Self, ObjectId) {
        let (repository, keys) = (TempRepository::bare(), TestKeys::of(&["ada", "eve", "bot"]));
        let list = keys.lines(&["ada", "bot"]);
        let trueup = trueup(commits);
        let files = [
            ("trueup.yaml", Some(trueup.as_str())),
            (LIST, Some(list.as_str())),
        ];
        let first = keys.commit_at(&repository, "ada", 1_000, &files);
        let mut source: Source = repository.path().parse().unwrap();
        equip(&mut source);
        let (reconciler, cache) = open(source, NOWHERE).await;
        let mut stage = Self {
            repository,
            keys,
            reconciler,
            cache,
        };
        stage.follows(&first).await;
        (stage, first)
    }

    /// The commit in force, and what is found.
    async fn revised(&mut self) -> (ObjectId, Vec<String>) {
        let fetched = self.reconciler.fetch().await.unwrap();
        self.reconciler.revise(&fetched).await.unwrap();
        let report = self
            .reconciler
            .report(Timestamp::UNIX_EPOCH, Vec::new(), Vec::new());
        let found = report.diagnostics.into_iter();
        let found = found.map(|one| format!("{} {}", one.code, one.message));
        (report.commit, found.collect())
    }

    pub(super) async fn follows(&mut self, commit: &ObjectId) {
        assert_eq!(self.revised().await, (commit.clone(), vec![]));
        assert!(self.reconciler.leads());
    }

    /// That the newest commit is not followed, and why; then it is taken back.
    pub(super) async fn holds(&mut self, in_force: &ObjectId, why: &str) {
        self.keeps(in_force, why).await;
        self.repository.point("main", oid(in_force));
        self.follows(in_force).await;
    }

    pub(super) async fn keeps(&mut self, in_force: &ObjectId, why: &str) {
        let (commit, found) = self.revised().await;
        assert_eq!(&commit, in_force);
        assert!(
            found.len() == 1 && found[0].starts_with("O005 "),
            "{found:?}"
        );
        assert!(found[0].contains(why), "{found:?}");
        let stays = format!("{} stays in force", in_force.short());
        assert!(found[0].ends_with(&stays), "{found:?}");
    }

    pub(super) fn unsigned(&self, files: &[(&str, Option<&str>)]) -> ObjectId {
        self.repository.commit("main", files)
    }

    pub(super) fn signed(&self, name: &str, files: &[(&str, Option<&str>)]) -> ObjectId {
        self.keys.commit(&self.repository, name, files)
    }

    /// A signed commit with another message, as the newest.
    pub(super) fn forge(&self, signed: &ObjectId) {
        let odb = self.repository.git.odb().unwrap();
        let object = odb.read(oid(signed)).unwrap();
        let text = String::from_utf8(object.data().to_vec()).unwrap();
        let text = text.replace("\n\nchange", "\n\nChange");
        let forged = odb.write(git2::ObjectType::Commit, text.as_bytes());
        self.repository.point("main", forged.unwrap());
    }

    pub(super) fn list(&self, names: &[&str]) -> String {
        self.keys.lines(names)
    }

    /// A merge of a branch with one commit beside the newest commit: unsigned, of that commit's files.
    fn merge(&self, of: &ObjectId) -> ObjectId {
        let git = &self.repository.git;
        let base = git.find_commit(oid(of)).unwrap();
        let tree = base.tree_id();
        let aside = self.repository.commit_tree("aside", tree, &[oid(of)]);
        self.repository
            .commit_tree("main", tree, &[oid(of), oid(&aside)])
    }
}

#[tokio::test]
async fn attack_13_a_commit_that_nobody_signed_who_may_is_not_followed() {
    let (mut stage, first) = Stage::new("{verify: head}").await;
    stage.unsigned(&note("x"));
    stage.holds(&first, "it is not signed").await;
    stage.signed("eve", &note("x"));
    stage
        .holds(&first, "which is not in the list of keys")
        .await;
    let off = trueup("{verify: off}");
    stage.unsigned(&[("trueup.yaml", Some(&off))]);
    stage.holds(&first, "it is not signed").await;
    let with_eve = stage.list(&["ada", "eve"]);
    stage.signed("eve", &[(LIST, Some(&with_eve))]);
    stage
        .holds(&first, "which is not in the list of keys")
        .await;
    let elsewhere = trueup("{verify: head, allowed_signers: keys}");
    let eves = stage.list(&["eve"]);
    stage.signed(
        "eve",
        &[("trueup.yaml", Some(&elsewhere)), ("keys", Some(&eves))],
    );
    stage
        .holds(&first, "which is not in the list of keys")
        .await;
    // Signed, and changed afterwards.
    let signed = stage.signed("ada", &note("x"));
    stage.forge(&signed);
    stage.holds(&first, "its signature does not fit").await;
    // Who signs the newest commit answers for those below.
    stage.unsigned(&note("x"));
    stage.keeps(&first, "it is not signed").await;
    let signed = stage.signed("ada", &note("y"));
    stage.follows(&signed).await;
}

#[tokio::test]
async fn attack_13_keys_come_and_go_by_signed_commits_and_old_ones_are_not_replayed() {
    let (mut stage, first) = Stage::new("{verify: head}").await;
    let both = stage.list(&["ada", "eve"]);
    let added = stage.signed("ada", &[(LIST, Some(&both))]);
    stage.follows(&added).await;
    let eves = stage.list(&["eve"]);
    let revoked = stage.signed("eve", &[(LIST, Some(&eves))]);
    stage.follows(&revoked).await;
    stage.signed("ada", &note("x"));
    stage
        .holds(&revoked, "which is not in the list of keys")
        .await;
    // Well signed once, and older.
    stage.repository.point("main", oid(&first));
    let (commit, found) = stage.revised().await;
    assert_eq!(commit, revoked);
    assert!(
        found.len() == 1 && found[0].starts_with("O002 "),
        "{found:?}"
    );
    stage.unsigned(&note("x"));
    let (_, found) = stage.revised().await;
    assert!(
        found.len() == 1 && found[0].starts_with("O002 "),
        "one reason: {found:?}"
    );
    stage.repository.point("main", oid(&revoked));
    // Nobody locks everybody out by mistake.
    stage.signed("eve", &[("trueup.yaml", Some("version: 1\n"))]);
    stage.holds(&revoked, "cannot be read").await;
    for list in [None, Some("# nobody\n"), Some("eve ssh-ed25519")] {
        stage.signed("eve", &[(LIST, list)]);
        stage
            .holds(&revoked, "its list of keys cannot be used")
            .await;
    }
    let off = trueup("{verify: off}");
    let off = stage.signed("eve", &[("trueup.yaml", Some(&off))]);
    stage.follows(&off).await;
    let free = stage.unsigned(&note("x"));
    stage.follows(&free).await;
    let on = trueup("{verify: head, allowed_signers: keys}");
    stage.unsigned(&[("trueup.yaml", Some(&on))]);
    stage.holds(&free, "its list of keys cannot be used").await;
}

#[tokio::test]
async fn attack_13_every_commit_is_judged_where_that_is_asked() {
    let (mut stage, first) = Stage::new("{verify: every}").await;
    stage.unsigned(&note("x"));
    let signed = stage.signed("ada", &note("y"));
    stage.holds(&first, "it is not signed").await;
    let below = stage.signed("ada", &note("x"));
    let above = stage.signed("ada", &note("y"));
    stage.follows(&above).await;
    assert!(below != signed && above != below);
    // What a merge brings counts too, and in which order it has its parents does not.
    let merge = stage.merge(&above);
    stage
        .keys
        .sign_again(&stage.repository, "ada", 2_000, &merge);
    stage.holds(&above, "it is not signed").await;

    let (mut stage, first) = Stage::new("{verify: head}").await;
    let merge = stage.merge(&first);
    stage.keeps(&first, "it is not signed").await;
    let merge = stage
        .keys
        .sign_again(&stage.repository, "ada", 2_000, &merge);
    stage.follows(&merge).await;
}

#[tokio::test]
async fn attack_13_no_more_commits_are_judged_than_there_is_time_for() {
    let (mut stage, first) = Stage::new("{verify: every}").await;
    for number in 0..SIGNED_COMMITS_MAX {
        stage.unsigned(&note(&number.to_string()));
    }
    stage.keeps(&first, "it is not signed").await;
    stage.unsigned(&note("one more"));
    let why = format!("more than {SIGNED_COMMITS_MAX} commits would have to be judged");
    stage.holds(&first, &why).await;
}

#[tokio::test]
async fn attack_13_a_clock_that_was_put_back_makes_no_key_younger() {
    let (mut stage, _) = Stage::new("{verify: head}").await;
    let until = |day: &str| {
        let eve = stage.keys.line("eve");
        let eve = eve.replacen(' ', &format!(" valid-before=\"{day}\" "), 1);
        format!("{}{eve}", stage.keys.line("ada"))
    };
    let (list, day) = (until("19700103"), 24 * 60 * 60);
    let repository = &stage.repository;
    let listed = stage
        .keys
        .commit_at(repository, "ada", day, &[(LIST, Some(&list))]);
    stage.follows(&listed).await;
    let repository = &stage.repository;
    let in_time = stage.keys.commit_at(repository, "eve", day + 1, &note("x"));
    stage.follows(&in_time).await;
    let repository = &stage.repository;
    stage.keys.commit_at(repository, "eve", 3 * day, &note("y"));
    stage
        .holds(&in_time, "counted until 1970-01-03T00:00:00Z only")
        .await;
    let repository = &stage.repository;
    let late = stage.keys.commit_at(repository, "ada", 3 * day, &note("y"));
    stage.follows(&late).await;
    let repository = &stage.repository;
    stage.keys.commit_at(repository, "eve", day + 2, &note("z"));
    stage
        .holds(
            &late,
            "counted until 1970-01-03T00:00:00Z only, not at 1970-01-04",
        )
        .await;
}

#[tokio::test]
async fn attack_21_a_program_may_write_what_trueup_writes_and_nothing_else() {
    let (mut stage, first) = Stage::new("{verify: head, robots: [bot@example.com]}").await;
    let release = stage.signed("bot", &[(RELEASE, Some("x"))]);
    stage.follows(&release).await;
    stage.signed("bot", &[(RELEASE, Some("y")), (CONFIG, Some("x"))]);
    stage
        .holds(
            &release,
            &format!("changes `{CONFIG}`, which trueup does not write"),
        )
        .await;
    stage.signed("bot", &[(RELEASE, None)]);
    stage
        .holds(
            &release,
            &format!("changes `{RELEASE}`, which trueup does not write"),
        )
        .await;
    let off = trueup("{verify: off}");
    stage.signed("bot", &[("trueup.yaml", Some(&off))]);
    stage.holds(&release, "changes `trueup.yaml`").await;
    let merge = stage.merge(&release);
    stage
        .keys
        .sign_again(&stage.repository, "bot", 2_000, &merge);
    stage.holds(&release, "a program merges nothing").await;
    // It does not answer for what is below its commit.
    stage.unsigned(&[(CONFIG, Some("x"))]);
    stage.signed("bot", &[(RELEASE, Some("y"))]);
    stage.holds(&release, "it is not signed").await;
    stage.signed("ada", &note("x"));
    stage.signed("bot", &[(RELEASE, Some("y"))]);
    let last = stage.signed("bot", &[(RELEASE, Some("z"))]);
    stage.follows(&last).await;
    assert_ne!(first, last);
}

/// A commit of trueup's own.
fn own(base: &ObjectId) -> Write {
    Write {
        branch: "main".to_owned(),
        expected: Some(base.clone()),
        base: base.clone(),
        files: BTreeMap::from([(RELEASE.to_owned(), "x\n".to_owned())]),
        message: "release m".to_owned(),
        reason: "a test".to_owned(),
    }
}

#[tokio::test]
async fn attack_21_what_it_commits_itself_is_signed_or_not_made() {
    let robots = "{verify: every, robots: [bot@example.com]}";
    let (mut stage, first) = Stage::new(robots).await;
    let reports = stage.reconciler.write(vec![own(&first)]).await.unwrap();
    let error = reports[0].error.as_deref().unwrap_or_default();
    assert!(error.contains("no key to sign with"), "{reports:?}");
    stage.follows(&first).await;
    let strange = TestKeys::of(&["bot"]);
    for (keys, is_listed) in [(Some(&strange), false), (None, true)] {
        let mut source: Source = stage.repository.path().parse().unwrap();
        source.signing = Some(keys.unwrap_or(&stage.keys).signing("bot"));
        (stage.reconciler, stage.cache) = open(source, NOWHERE).await;
        stage.follows(&first).await;
        let mut reports = stage.reconciler.write(vec![own(&first)]).await.unwrap();
        let report = reports.remove(0);
        let Some(commit) = report.commit else {
            assert!(!is_listed, "{report:?}");
            assert!(report.error.unwrap().contains("does not have trueup's own"));
            continue;
        };
        assert!(is_listed);
        stage.follows(&commit).await;
        assert!(
            stage.keys.git_takes(&stage.repository, &commit),
            "Git takes it"
        );
    }
}

#[tokio::test]
async fn where_nothing_was_acted_on_the_operators_list_counts_and_else_the_commits_own() {
    let repository = TempRepository::bare();
    let keys = TestKeys::of(&["ada", "eve"]);
    let (asked, eves) = (trueup("{verify: head}"), keys.line("eve"));
    let plain = repository.commit(
        "main",
        &[("trueup.yaml", Some(&asked)), (LIST, Some(&eves))],
    );
    let barred = |words: &'static str| {
        move |(_, found): (ObjectId, Vec<String>), leads: bool| {
            assert!(!leads && found.len() == 1, "{found:?}");
            assert!(
                found[0].contains(words) && found[0].contains("nothing is changed"),
                "{found:?}"
            );
        }
    };
    let start = async |trusted: Option<&str>, signing: Option<&str>| {
        let mut source: Source = repository.path().parse().unwrap();
        source.trusted = trusted.map(|name| Signers::read(keys.line(name).as_bytes()).0.into());
        source.signing = signing.map(|name| keys.signing(name));
        let (mut reconciler, _cache) = open(source, NOWHERE).await;
        let fetched = reconciler.fetch().await.unwrap();
        reconciler.revise(&fetched).await.unwrap();
        let report = reconciler.report(Timestamp::UNIX_EPOCH, Vec::new(), Vec::new());
        let found = report
            .diagnostics
            .into_iter()
            .map(|one| one.message)
            .collect();
        ((report.commit, found), reconciler.leads())
    };
    let check =
        |(found, leads), expect: &dyn Fn((ObjectId, Vec<String>), bool)| expect(found, leads);
    check(start(None, None).await, &barred("it is not signed"));
    let by_eve = keys.sign_again(&repository, "eve", 2_000, &plain);
    let followed = ((by_eve.clone(), vec![]), true);
    assert_eq!(start(None, None).await, followed, "trust on first use");
    check(
        start(Some("ada"), None).await,
        &barred("not in the list of keys"),
    );
    assert_eq!(start(Some("eve"), None).await, followed);
    let off = trueup("{verify: off}");
    repository.commit("main", &[("trueup.yaml", Some(&off))]);
    assert!(
        start(None, None).await.1,
        "it says that nobody need sign it"
    );
    check(start(Some("ada"), None).await, &barred("it is not signed"));
    // On top of a person's commit trueup's own counts.
    let by_ada = keys.commit(&repository, "ada", &note("x"));
    let own = keys.commit(&repository, "eve", &[(RELEASE, Some("x"))]);
    check(
        start(Some("ada"), None).await,
        &barred("not in the list of keys"),
    );
    assert_eq!(start(Some("ada"), Some("eve")).await, ((own, vec![]), true));
    repository.point("main", oid(&by_ada));
    keys.commit(&repository, "eve", &[(CONFIG, Some("x"))]);
    check(
        start(Some("ada"), Some("eve")).await,
        &barred("which trueup does not write"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_13_a_process_that_begins_anew_judges_by_what_was_acted_on() {
    let (repository, keys) = (TempRepository::bare(), TestKeys::of(&["ada", "eve"]));
    let (local, source) = (s3().await, repository.path());
    let caches = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let asked = trueup("{verify: head}");
    let adas = keys.line("ada");
    let files = [
        ("trueup.yaml", Some(asked.as_str())),
        (LIST, Some(adas.as_str())),
    ];
    let first = keys.commit(&repository, "ada", &files);
    let start = async |cache: &TempDir| {
        let mut reconciler = process(&source, &local.url, cache).await;
        let revised = revised(&mut reconciler).await;
        reconciler.leave().await;
        revised
    };
    assert_eq!(start(&caches[0]).await, (first.clone(), true, vec![]));
    // By itself it would ask for nothing.
    let off = trueup("{verify: off}");
    repository.commit("main", &[("trueup.yaml", Some(&off))]);
    let held = (first.clone(), true, vec!["O005".to_owned()]);
    assert_eq!(start(&caches[0]).await, held);
    assert_eq!(start(&caches[1]).await, held, "without a mirror too");
    // Who signs away the own key: by itself nobody in its list has signed it.
    repository.point("main", oid(&first));
    let eves = keys.line("eve");
    let handed_over = keys.commit(&repository, "ada", &[(LIST, Some(&eves))]);
    let followed = (handed_over.clone(), true, vec![]);
    assert_eq!(start(&caches[0]).await, followed);
    assert_eq!(start(&caches[1]).await, followed, "it was acted on");
    // Another history, which says that nobody need mind: what was acted on is in no mirror.
    let follow = format!("{}history: follow\n", trueup("{verify: off}"));
    let tree = repository.commit("other", &[("trueup.yaml", Some(&follow))]);
    let tree = repository.git.find_commit(oid(&tree)).unwrap().tree_id();
    repository.delete("other");
    let other = repository.commit_tree("main", tree, &[]);
    let barred = (other, false, vec!["O002".to_owned()]);
    assert_eq!(start(&caches[2]).await, barred);
    local.shutdown().await;
}

#[test]
fn commits_are_told_with_what_their_signatures_cover() {
    let (repository, keys) = (TempRepository::bare(), TestKeys::of(&["ada"]));
    let first = repository.commit("main", &note("x"));
    let second = keys.commit(&repository, "ada", &note("y"));
    let cache = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(cache.path(), repository.path().parse().unwrap()).unwrap();
    mirror.fetch(Timestamp::UNIX_EPOCH).unwrap();
    let told = mirror.describe(&second).unwrap();
    assert_eq!(
        (told.parents, told.at.as_second()),
        (vec![first.clone()], 2_000)
    );
    assert_eq!(told.author, "someone <someone@example.org>");
    assert!(told.object.unwrap().signature.is_some());
    assert_eq!(
        mirror.describe(&first).unwrap().object.unwrap().signature,
        None
    );
    let gained = |limit| mirror.gained(&first, &second, limit).unwrap();
    assert_eq!((gained(0), gained(1)), (None, Some(vec![second.clone()])));
    let altered = mirror.altered(&first).unwrap();
    assert_eq!(
        (altered.len(), altered[0].path.as_str(), altered[0].is_file),
        (1, "note.txt", true)
    );
}
