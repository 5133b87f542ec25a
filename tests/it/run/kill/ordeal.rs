//! One local SageMaker and one origin, and everything that has to hold of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, interval, timeout};
use trueup::demo::http::Http;

use super::deeds::Deeds;
use super::figures::Figures;
use super::lives::{Life, Lives};
use super::program::{Place, Program};
use super::record::{Record, nothing_doubled};
use crate::run::daemon::PROMOTIONS;
use crate::run::person::Person;
use crate::sim::random::Random;
use crate::support::git_server::GitServer;
use crate::support::processes::{about, descendants, doors};
use crate::support::repository::TempRepository;

/// Until what was waited for has to be there.
const DEADLINE: Duration = Duration::from_mins(4);
/// Pushes of one round at least, however slow the machine is.
const PUSHES_MIN: usize = 6;
/// Passes in a row in which nothing is changed, by a daemon that is let live.
const QUIET_PASSES: usize = 100;
/// What the memory of a daemon at rest may grow by, in KiB.
const DAEMON_KIB: u64 = 4 * 1024;
/// What the local SageMaker's may: until it remembers as many calls as it ever does, and for what
/// each run leaves in S3, of which small objects are kept in memory.
const LOCAL_KIB: u64 = 24 * 1024;
const RUN_KIB: u64 = 768;
/// The file that says what staging serves.
const RELEASE: &str = "models/mortgage/releases/staging.yaml";

/// The ordeal.
pub(super) struct Ordeal {
    seed: u64,
    random: Random,
    local: Program,
    place: Place,
    http: Http,
    person: Person,
    deeds: Deeds,
    record: Record,
    /// Of the local SageMaker, since it serves both environments.
    figures: Figures,
    /// Of the last daemon that was let live.
    daemon: Figures,
    lives: Vec<Life>,
    /// Commits that trueup has to have made to say what staging serves.
    releases: usize,
    /// Children of the local SageMaker at rest.
    children: Option<usize>,
    _server: GitServer,
    _repository: TempRepository,
}

impl Ordeal {
    /// Sets everything up.
    pub(super) async fn begin(seed: u64) -> Self {
        let repository = TempRepository::bare();
        let server = GitServer::closed(repository.root(), "robot", "secret");
        let folder = repository.root().canonicalize().unwrap();
        let mut place = Place {
            source: server.url("robot:secret@"),
            folder,
            ..Place::default()
        };
        let local = place.local();
        let person = Person::found(repository.root(), &place.source);
        let mut ordeal = Self {
            seed,
            random: Random::new(seed, 1),
            http: Http::new(&place.url),
            deeds: Deeds::new(Random::new(seed, 2)),
            record: Record::default(),
            figures: Figures::default(),
            daemon: Figures::default(),
            lives: Vec::new(),
            releases: 1,
            children: None,
            local,
            place,
            person,
            _server: server,
            _repository: repository,
        };
        ordeal.look().await;
        ordeal
    }

    /// People push for so long while daemons die; then one daemon is let live, and all has to be
    /// as Git says.
    pub(super) async fn round(&mut self, length: Duration) {
        let end = Instant::now() + length;
        let random = Random::new(self.random.next(), 3);
        let lives = Lives::begin(&self.place, random);
        self.released().await;
        self.trains_and_promotes().await;
        self.until("production to serve", async |one| one.produces().await)
            .await;
        if self.children.is_none() {
            // Until now it had less to do than it will have from now on.
            self.figures = Figures::default();
        }
        let enough = self.deeds.pushes + PUSHES_MIN;
        while Instant::now() < end || self.deeds.pushes < enough {
            let pause = Duration::from_millis(self.random.below(1_200));
            let another = self.deeds.one(&self.person);
            if another {
                self.releases += 1;
                self.released().await;
            }
            let next = Instant::now() + pause;
            self.until("the next push", async |_| {
                (Instant::now() >= next).then_some(())
            })
            .await;
        }
        self.lives.extend(lives.end().await);
        self.rest().await;
    }

    /// How many daemons were killed, and how many of them after they had changed something.
    pub(super) fn kills(&self) -> (usize, usize) {
        let busy = |(born, died): &&Life| {
            let mut changes = self.record.changes.iter();
            changes.any(|at| born <= at && at <= died)
        };
        (self.lives.len(), self.lives.iter().filter(busy).count())
    }

    /// What happened so far.
    pub(super) fn told(&self) -> String {
        let (kills, busy) = self.kills();
        format!(
            "KILL_SEED={}: {kills} daemons killed, {busy} of them had changed something; {} pushes, \
             {} releases, {} calls, {} changes\nthe local SageMaker: {}\na daemon at rest: {}",
            self.seed,
            self.deeds.pushes,
            self.releases,
            self.record.calls(),
            self.record.changes.len(),
            self.figures,
            self.daemon,
        )
    }

    /// Ends it: nothing has grown, and nothing outlives the local SageMaker.
    pub(super) async fn end(self) {
        let allowed = LOCAL_KIB + RUN_KIB * self.releases as u64;
        assert_eq!(
            self.figures.growth(allowed),
            None,
            "it leaks\n{}",
            self.told()
        );
        let Self { local, place, .. } = self;
        drop(local);
        let gone = async || about(&place.folder).is_empty().then_some(());
        wait("every process to be gone", gone).await;
    }

    /// One daemon that is let live brings everything to where Git says, and then changes nothing.
    async fn rest(&mut self) {
        let daemon = self.place.daemon();
        self.trains_and_promotes().await;
        self.settles(&daemon).await;
        for (command, expected) in [(&["status"][..], 0), (&["plan", "--detailed-exitcode"], 0)] {
            let (code, said) = self.place.ask(command).await;
            assert_eq!(code, Some(expected), "{command:?}\n{said}");
        }
        self.stays_quiet(&daemon).await;
        assert_eq!(daemon.log.complaints(), [""; 0]);
        assert_eq!(descendants(daemon.pid()), [], "a daemon needs no children");
        assert_eq!(doors(daemon.pid()), [""; 0], "a daemon listens nowhere");
        let doors = doors(self.local.pid());
        let loopback = |door: &String| door.starts_with("0100007F:");
        assert!(doors.len() == 1 && doors.iter().all(loopback), "{doors:?}");
        assert_eq!(
            self.daemon.growth(DAEMON_KIB),
            None,
            "it leaks\n{}",
            self.told()
        );
        daemon.end().await;
        nothing_doubled(&self.http).await;
        assert_eq!(
            self.person.commits_of(RELEASE),
            self.releases,
            "{}",
            self.told()
        );
        self.nobody_is_left().await;
    }

    /// A model that was never there goes to staging and, once somebody merged what is proposed, to
    /// production.
    async fn trains_and_promotes(&mut self) {
        self.deeds.train(&self.person);
        self.releases += 1;
        self.released().await;
        let release = self.person.read(RELEASE);
        let (_, rest) = release.split_once("model-package/mortgage/").unwrap();
        let version = rest.split('"').next().unwrap();
        // Others may be proposed yet that daemons died over.
        let start = format!("refs/heads/{PROMOTIONS}{version}-");
        let proposed = self.until("a proposed promotion", async |one| {
            let mut refs = one.person.refs().into_keys();
            refs.find(|name| name.starts_with(&start))
        });
        let proposed = proposed.await;
        let branch = proposed.strip_prefix("refs/heads/").unwrap();
        self.person.merge(branch);
    }

    /// Whether production has an endpoint in service.
    async fn produces(&self) -> Option<()> {
        let name = json!({"EndpointName": "mortgage-production"});
        let found = self.http.sagemaker("DescribeEndpoint", &name).await.ok()?;
        (found["EndpointStatus"] == "InService").then_some(())
    }

    /// Waits until many passes in a row over main's newest commit changed nothing.
    async fn settles(&mut self, daemon: &Program) {
        let mut calm = None;
        self.until("calm", async |one| {
            let refs = one.person.refs();
            let passes = daemon.log.passes(&refs["refs/heads/main"]);
            let now = (refs, one.record.changes.len());
            match &calm {
                Some((then, since)) if *then == now => (passes >= since + 10).then_some(()),
                _ => {
                    calm = Some((now, passes));
                    None
                }
            }
        })
        .await;
    }

    /// Many passes go by in which nothing is changed, neither in AWS nor in Git.
    async fn stays_quiet(&mut self, daemon: &Program) {
        self.daemon = Figures::default();
        let before: (BTreeMap<_, _>, usize) = (self.person.refs(), self.record.changes.len());
        let tip = before.0["refs/heads/main"].clone();
        let last = daemon.log.passes(&tip) + QUIET_PASSES;
        self.until("quiet passes", async |one| {
            one.daemon.look(daemon.pid());
            (daemon.log.passes(&tip) >= last).then_some(())
        })
        .await;
        self.look().await;
        assert_eq!((self.person.refs(), self.record.changes.len()), before);
    }

    /// Of all processes that were started, those of the local SageMaker are left, and they are as
    /// many as they were when it was at rest before.
    async fn nobody_is_left(&mut self) {
        let (pid, folder) = (self.local.pid(), self.place.folder.clone());
        wait("every killed daemon to be gone", async || {
            let ours = descendants(pid);
            let mut left = about(&folder);
            left.retain(|one| one.pid != pid && !ours.contains(one));
            left.is_empty().then_some(())
        })
        .await;
        let children = descendants(pid).len();
        assert!(children > 0, "it serves two endpoints");
        assert_eq!(*self.children.get_or_insert(children), children);
    }

    /// Waits until trueup has committed as many releases to staging as there were candidates.
    async fn released(&mut self) {
        self.until("a release", async |one| {
            let found = one.person.commits_of(RELEASE);
            assert!(found <= one.releases, "a release too many\n{}", one.told());
            (found == one.releases).then_some(())
        })
        .await;
    }

    /// Looks five times a second, and takes note of calls and figures meanwhile.
    async fn until<T>(
        &mut self,
        what: &str,
        mut see: impl AsyncFnMut(&mut Self) -> Option<T>,
    ) -> T {
        let looking = async {
            let mut ticks = interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                self.look().await;
                if let Some(found) = see(self).await {
                    return found;
                }
            }
        };
        let found = timeout(DEADLINE, looking).await;
        found.unwrap_or_else(|_| panic!("waited in vain for {what}\n{}", self.told()))
    }

    async fn look(&mut self) {
        self.record.read(&self.http).await;
        self.figures.look(self.local.pid());
    }
}

/// Looks again until there is something, with a deadline.
async fn wait(what: &str, mut see: impl AsyncFnMut() -> Option<()>) {
    let looking = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            if see().await.is_some() {
                return;
            }
        }
    };
    let found = timeout(DEADLINE, looking).await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}
