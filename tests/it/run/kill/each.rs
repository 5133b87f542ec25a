//! A daemon that is killed at each call of the first deployment, of a promotion and of updates: before
//! the call, after it, and in the middle of what Git sends. Whoever comes next goes on where it was.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, interval};
use trueup::demo::example::{CONFIG, Edit};
use trueup::demo::http::Http;
use trueup::execute::lease::Document;

use super::program::{Place, Program};
use super::reaper::{Depth, Manner, Reaper};
use super::record::{Record, nothing_doubled};
use crate::run::daemon::PROMOTIONS;
use crate::run::person::Person;
use crate::support::git_server::GitServer;
use crate::support::processes::{about, descendants};
use crate::support::relay::Relay;
use crate::support::repository::TempRepository;

/// Until a chapter has to be over, by how closely it is looked at.
const CHAPTER: Duration = Duration::from_mins(2);
const CHAPTER_OF_STATES: Duration = Duration::from_mins(20);
/// How soon who was asked to end has to have.
const ENDS: Duration = Duration::from_secs(10);
/// Calls of a first deployment at which somebody has to have been asked.
const LIVES_MIN: usize = 20;
/// The example's lease.
const LEASE: &str = "s3://sagemaker-eu-west-1-111122223333/trueup/lease/example.json";
/// How often a daemon is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Passes in a row that change nothing before it is called calm.
const CALM_PASSES: usize = 3;
/// A deployment that trains nothing, and a training.
const LESS_CAPTURE: Edit = (
    CONFIG,
    "sampling_percentage: 100",
    "sampling_percentage: 50",
);
const TRAINING: Edit = (CONFIG, "l2: 0.001", "l2: 0.002");
/// What all of that has to have made, each once: two environments got two releases and one update
/// between them, of two versions from two trainings.
const MADE: [(&str, usize); 12] = [
    ("CreateDataQualityJobDefinition", 2),
    ("CreateEndpoint", 2),
    ("CreateEndpointConfig", 6),
    ("CreateModel", 4),
    ("CreateModelPackageGroup", 1),
    ("CreateMonitoringSchedule", 2),
    ("CreatePipeline", 1),
    ("StartPipelineExecution", 2),
    ("UpdateEndpoint", 4),
    ("UpdateModelPackage", 2),
    ("UpdatePipeline", 1),
    ("put_object", 3),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_killed_before_and_after_each_call_does_each_thing_once() {
    tell(Depth::Each, CHAPTER).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "dies at each call in each state on the way, many hundred times"]
async fn and_at_each_call_in_each_state() {
    tell(Depth::EachState, CHAPTER_OF_STATES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_to_end_at_any_call_does_so_soon_and_gives_the_lease_back() {
    let mut tale = Tale::begin(Manner::Asked, Depth::Each, CHAPTER).await;
    let proposed = async |tale: &Tale| tale.person.unmerged(PROMOTIONS).is_some();
    tale.chapter("a first deployment", proposed).await;
    assert!(tale.lives >= LIVES_MIN, "only {} were asked", tale.lives);
    nothing_doubled(&tale.http).await;
    nothing_left_in(&tale.place.folder.join("home"));
}

async fn tell(depth: Depth, chapter: Duration) {
    let mut tale = Tale::begin(Manner::Killed, depth, chapter).await;
    let proposed = async |tale: &Tale| tale.person.unmerged(PROMOTIONS).is_some();
    tale.chapter("a first deployment", proposed).await;
    tale.promote();
    tale.chapter("a promotion", async |tale: &Tale| tale.holds(100).await)
        .await;
    tale.person.change("Capture less", &[LESS_CAPTURE]);
    tale.chapter("an update", async |tale: &Tale| tale.holds(50).await)
        .await;
    // The looks of what follows are those of what was.
    if depth == Depth::Each {
        tale.reaper.look_as(Depth::Changes);
    }
    tale.person.change("Train anew", &[TRAINING]);
    tale.chapter("a training", proposed).await;
    tale.promote();
    tale.chapter("its promotion", async |tale: &Tale| tale.approved().await)
        .await;
    tale.end().await;
}

/// One local SageMaker and one origin, behind relays, and who dies between them.
struct Tale {
    manner: Manner,
    reaper: Reaper,
    length: Duration,
    place: Place,
    local: Program,
    http: Http,
    person: Person,
    record: Record,
    lives: usize,
    _relays: [Relay; 2],
    _server: GitServer,
    repository: TempRepository,
}

impl Tale {
    async fn begin(manner: Manner, depth: Depth, length: Duration) -> Self {
        let repository = TempRepository::bare();
        let server = GitServer::closed(repository.root(), "robot", "secret");
        let person = Person::found(repository.root(), &server.url("robot:secret@"));
        let mut place = Place {
            folder: repository.root().canonicalize().unwrap(),
            ..Place::default()
        };
        let local = place.local();
        let http = Http::new(&place.url);
        let reaper = Reaper::new(manner, depth);
        let git = server.url("");
        let upstream = git.trim_end_matches("/repo.git");
        let relays = [Relay::to(&place.url).await, Relay::to(upstream).await];
        for relay in &relays {
            let reaper = reaper.clone();
            relay.judged_by(move |asked| reaper.judge(asked));
        }
        let host = relays[1].url.trim_start_matches("http://");
        place.source = format!("http://robot:secret@{host}/repo.git");
        place.url.clone_from(&relays[0].url);
        Self {
            manner,
            reaper,
            length,
            place,
            local,
            http,
            person,
            record: Record::default(),
            lives: 0,
            _relays: relays,
            _server: server,
            repository,
        }
    }

    /// Daemons live and die until one has brought everything to where it should be, at calls at which
    /// each has died.
    async fn chapter(&mut self, what: &str, done: impl AsyncFn(&Self) -> bool) {
        self.reaper.turn_the_page();
        let start = Instant::now();
        loop {
            let told = self.life(start + self.length, &done).await;
            let (changes, all) = self.reaper.deaths();
            let took = start.elapsed().as_secs();
            let story = format!(
                "{what}: {took} s, {} lives so far, {all} moments, {changes} changes",
                self.lives
            );
            match told {
                Ok(true) => return,
                Ok(false) => self.lives += 1,
                Err(words) => panic!("{story}\n{words}"),
            }
        }
    }

    /// One life, until it is ended (`false`) or has nothing more to do; an error, what it said last,
    /// where that takes too long.
    async fn life(
        &mut self,
        end: Instant,
        done: &impl AsyncFn(&Self) -> bool,
    ) -> Result<bool, String> {
        let mut daemon = self.place.daemon();
        self.reaper.watch(daemon.pid());
        let mut ticks = interval(LOOK);
        let mut calm = None;
        while Instant::now() < end {
            ticks.tick().await;
            if let Some(status) = daemon.ended() {
                assert_eq!(daemon.log.complaints(), [""; 0]);
                self.bury(status).await;
                return Ok(false);
            }
            self.record.read(&self.http).await;
            if !daemon.log.has_passed() || !done(self).await {
                continue;
            }
            let refs = self.person.refs();
            let passes = daemon.log.passes(&refs["refs/heads/main"]);
            let now = (refs, self.record.changes.len());
            match &calm {
                Some((then, since)) if *then == now && passes >= since + CALM_PASSES => {
                    assert_eq!(descendants(daemon.pid()), [], "a daemon needs no children");
                    if self.reaper.spares() {
                        daemon.end().await;
                        return Ok(true);
                    }
                }
                Some((then, _)) if *then == now => {}
                _ => calm = Some((now, passes)),
            }
        }
        Err(daemon.log.last_words())
    }

    /// Who was asked to end has to have done so soon, well, and without the lease.
    async fn bury(&self, status: ExitStatus) {
        if self.manner == Manner::Killed {
            return;
        }
        assert!(status.success(), "{status}");
        assert!(self.reaper.since() < ENDS, "{:?}", self.reaper.since());
        match self.http.object(LEASE).await {
            Ok(lease) => {
                let lease = Document::read(std::str::from_utf8(&lease).unwrap()).unwrap();
                assert!(lease.is_given_back(), "{lease:?}");
            }
            Err(error) => assert!(error.is_absent(), "{error}"),
        }
    }

    fn promote(&self) {
        let branch = self.person.unmerged(PROMOTIONS).unwrap();
        self.person.merge(&branch);
    }

    /// Whether both endpoints serve, and capture so much.
    async fn holds(&self, percent: u32) -> bool {
        for environment in ["staging", "production"] {
            let name = json!({"EndpointName": format!("mortgage-{environment}")});
            let Ok(found) = self.http.sagemaker("DescribeEndpoint", &name).await else {
                return false;
            };
            let captured = &found["DataCaptureConfig"]["CurrentSamplingPercentage"];
            if found["EndpointStatus"] != "InService" || *captured != percent {
                return false;
            }
        }
        true
    }

    /// Whether both versions are approved, and both endpoints serve.
    async fn approved(&self) -> bool {
        let group = json!({"ModelPackageGroupName": "mortgage"});
        let packages = "ModelPackageSummaryList";
        let packages = self.http.list("ListModelPackages", group, packages).await;
        let packages = packages.unwrap();
        packages.len() == 2
            && packages
                .iter()
                .all(|one| one["ModelApprovalStatus"] == "Approved")
            && self.holds(50).await
    }

    /// All was done once, and nothing is left of those who died.
    async fn end(self) {
        assert_eq!(self.record.tally(), BTreeMap::from(MADE));
        nothing_doubled(&self.http).await;
        let branches = self.person.refs();
        let expected = ["HEAD", "refs/heads/main"];
        let others = branches
            .keys()
            .filter(|name| !expected.contains(&name.as_str()));
        let start = format!("refs/heads/{PROMOTIONS}");
        let (proposed, others): (Vec<_>, Vec<_>) =
            others.partition(|name| name.starts_with(&start));
        assert_eq!((proposed.len(), others.len()), (2, 0), "{branches:?}");
        let children = descendants(self.local.pid());
        let mut left = about(&self.place.folder);
        left.retain(|one| one.pid != self.local.pid() && !children.contains(one));
        assert_eq!(left, []);
        nothing_left_in(&self.place.folder.join("home"));
        nothing_left_in(&self.repository.root().join("repo.git"));
    }
}

/// No file that somebody meant to take away, and no lock that somebody holds.
fn nothing_left_in(folder: &Path) {
    for path in files(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_lock = path
            .extension()
            .is_some_and(|extension| extension == "lock");
        let in_git = path.to_string_lossy().contains(".git/");
        let is_new = path.extension().is_some_and(|extension| extension == "new");
        let litter = name.contains("_git2_") || name.starts_with("tmp") || is_new;
        let left = litter || is_lock && in_git;
        assert!(!left, "{} is left", path.display());
        if is_lock {
            let free = File::open(&path).unwrap().try_lock().is_ok();
            assert!(free, "{} is held", path.display());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}
