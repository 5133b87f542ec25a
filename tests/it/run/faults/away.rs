//! Outages of the Git host and of AWS, each in the life of one daemon: a commit comes meanwhile.

use std::time::Duration;

use serde_json::json;
use tokio::time::{interval, sleep, timeout};
use trueup::demo::example::{CONFIG, Edit};
use trueup::demo::http::Http;

use crate::run::kill::program::{Place, Program};
use crate::run::person::Person;
use crate::support::git_server::GitServer;
use crate::support::relay::{Asked, Fate, Relay};
use crate::support::repository::TempRepository;

/// Until what was waited for has to be there.
const DEADLINE: Duration = Duration::from_mins(1);
/// How long an outage goes on after it was told.
const OUTAGE: Duration = Duration::from_secs(3);
/// Requests and lines for people in one outage.
const REQUESTS_MAX: usize = 400;
const LINES_MAX: usize = 20;
const FULL: Edit = (
    CONFIG,
    "sampling_percentage: 50",
    "sampling_percentage: 100",
);
const HALF: Edit = (
    CONFIG,
    "sampling_percentage: 100",
    "sampling_percentage: 50",
);

/// One outage.
struct Outage {
    what: &'static str,
    /// Of the Git host; else of AWS.
    of_git: bool,
    fate: fn(&Asked) -> Fate,
    /// What people are told: what is wrong, and what to do.
    says: [&'static str; 2],
}

const OUTAGES: [Outage; 6] = [
    Outage {
        what: "a Git host that is down",
        of_git: true,
        fate: |_| Fate::Vanish,
        says: ["could not", "it is tried again"],
    },
    Outage {
        what: "a Git host that refuses",
        of_git: true,
        fate: |_| Fate::Refuse(403, ""),
        says: ["let nobody in", "check that the token is valid"],
    },
    Outage {
        what: "packs that are cut off",
        of_git: true,
        fate: |asked| {
            if asked.about.starts_with("/repo.git/git-upload-pack") {
                Fate::Cut(Box::new(|| ()))
            } else {
                Fate::Pass
            }
        },
        says: ["could not", "it is tried again"],
    },
    Outage {
        what: "AWS that is down",
        of_git: false,
        fate: |_| Fate::Vanish,
        says: ["mortgage", "NoAnswer"],
    },
    Outage {
        what: "AWS that refuses",
        of_git: false,
        fate: |_| {
            let words = r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#;
            Fate::Refuse(403, words)
        },
        says: ["mortgage", "AccessDenied"],
    },
    Outage {
        what: "AWS that throttles",
        of_git: false,
        fate: |_| {
            let words = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
            Fate::Refuse(400, words)
        },
        says: ["mortgage", "Throttling"],
    },
];

#[expect(
    clippy::disallowed_methods,
    reason = "how much is done about nothing shows over time only"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_once_costs_little_and_is_over_when_it_is_over() {
    let repository = TempRepository::bare();
    let server = GitServer::closed(repository.root(), "robot", "secret");
    let person = Person::found(repository.root(), &server.url("robot:secret@"));
    let mut place = Place {
        folder: repository.root().canonicalize().unwrap(),
        ..Place::default()
    };
    let _local = place.local();
    let http = Http::new(&place.url);
    let upstream = server.url("");
    let git = Relay::to(upstream.trim_end_matches("/repo.git")).await;
    let aws = Relay::to(&place.url).await;
    let host = git.url.trim_start_matches("http://");
    place.source = format!("http://robot:secret@{host}/repo.git");
    place.url.clone_from(&aws.url);
    let daemon = place.watchful();
    captures(&http, 100).await;
    for (number, outage) in OUTAGES.iter().enumerate() {
        let relay = if outage.of_git { &git } else { &aws };
        daemon.log.take_words();
        let lines = daemon.log.lines();
        relay.seen();
        relay.judged_by(outage.fate);
        let (edit, percent) = if number % 2 == 0 {
            (HALF, 50)
        } else {
            (FULL, 100)
        };
        person.change("Capture another share", &[edit]);
        let said = told(&daemon, outage).await;
        sleep(OUTAGE).await;
        let (requests, lines) = (relay.seen().len(), daemon.log.lines() - lines);
        println!(
            "{}: {requests} requests, {lines} lines\n    {said}",
            outage.what
        );
        assert!(
            requests <= REQUESTS_MAX,
            "{}: {requests} requests",
            outage.what
        );
        assert!(lines <= LINES_MAX, "{}: {lines} lines", outage.what);
        relay.heal();
        captures(&http, percent).await;
    }
    assert_eq!(daemon.log.complaints(), [""; 0]);
    daemon.end().await;
}

/// Waits for a line that says what is wrong and what to do.
async fn told(daemon: &Program, outage: &Outage) -> String {
    let mut all = Vec::new();
    let looking = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            all.extend(daemon.log.take_words());
            let says = |line: &&String| outage.says.iter().all(|words| line.contains(words));
            if let Some(line) = all.iter().find(says) {
                return line.clone();
            }
        }
    };
    let found = timeout(DEADLINE, looking).await;
    found.unwrap_or_else(|_| panic!("{}: not told\n{all:#?}", outage.what))
}

/// Waits until staging serves and captures so much.
async fn captures(http: &Http, percent: u32) {
    let name = json!({"EndpointName": "mortgage-staging"});
    let looking = async {
        let mut ticks = interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            let Ok(found) = http.sagemaker("DescribeEndpoint", &name).await else {
                continue;
            };
            let captured = &found["DataCaptureConfig"]["CurrentSamplingPercentage"];
            if found["EndpointStatus"] == "InService" && *captured == percent {
                return;
            }
        }
    };
    let found = timeout(DEADLINE, looking).await;
    found.unwrap_or_else(|_| panic!("staging does not capture {percent} %"));
}
