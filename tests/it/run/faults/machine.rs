//! A machine that has no room, no rights, no ports or no file descriptors, and stores that are damaged.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokio::time::{interval, sleep, timeout};
use trueup::demo::http::Http;
use trueup::limits::BEGIN_FILES;

use crate::run::kill::program::{Place, Program, started};
use crate::support::repository::TempRepository;

/// Until what was waited for has to be there.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a fault goes on after it was told.
const FAULT: Duration = Duration::from_secs(3);
/// Lines for people that may be written of one fault.
const LINES_MAX: usize = 8;
/// A shell's words for a disk that takes no file longer than a few KiB; who writes more is told so.
const NO_ROOM: &str = "trap '' XFSZ; ulimit -f 16";
/// More than that.
const MUCH: usize = 256 * 1024;

pub(super) struct Scene {
    pub(super) repository: TempRepository,
    pub(super) place: Place,
}

impl Scene {
    pub(super) fn new() -> Self {
        let repository = TempRepository::bare();
        // It does not compress.
        let mut state = 7_u32;
        let much: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + u8::try_from(state >> 26).unwrap())
        })
        .take(MUCH)
        .collect();
        repository.commit("main", &[("much.txt", Some(&much))]);
        let place = Place {
            folder: repository.root().canonicalize().unwrap(),
            source: format!("file://{}", repository.path()),
            url: "http://127.0.0.1:9".to_owned(),
        };
        Self { repository, place }
    }

    pub(super) fn run(&self) -> Vec<String> {
        let (source, url) = (self.place.source.clone(), self.place.url.clone());
        let words = ["run", "--source", &source, "--endpoint-url", &url];
        let pauses = ["--poll", "500ms", "--sweep", "2s"];
        words
            .iter()
            .chain(&pauses)
            .map(|&word| word.to_owned())
            .collect()
    }
}

/// A command that has to fail: what it says.
fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

fn says(said: &str, words: &[&str]) {
    for words in words {
        assert!(said.contains(words), "{words:?} is not said:\n{said}");
    }
}

/// Waits for a line with all these words.
pub(super) async fn told(program: &Program, words: &[&str]) -> String {
    let mut all = Vec::new();
    let looking = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            all.extend(program.log.take_words());
            let says = |line: &&String| words.iter().all(|words| line.contains(words));
            if let Some(line) = all.iter().find(says) {
                return line.clone();
            }
        }
    };
    let found = timeout(DEADLINE, looking).await;
    found.unwrap_or_else(|_| panic!("{words:?} is not told\n{all:#?}"))
}

/// The same, and what is told after it is little.
#[expect(
    clippy::disallowed_methods,
    reason = "how much is said of nothing new shows over time only"
)]
pub(super) async fn told_once(program: &Program, words: &[&str]) {
    told(program, words).await;
    sleep(FAULT).await;
    let lines = program.log.lines();
    assert!(
        lines <= LINES_MAX,
        "{lines} lines\n{}",
        program.log.last_words()
    );
}

#[test]
fn a_port_that_is_in_use() {
    let scene = Scene::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = refused(scene.place.command(&["local", "--port", &port]));
    says(&said, &[&port, "take another port, or 0 for any"]);
}

#[test]
fn a_store_that_is_damaged() {
    let scene = Scene::new();
    let state = scene.place.folder.join("state");
    fs::create_dir(&state).unwrap();
    let world = state.join("world.json");
    fs::write(&world, "{\"format\":2,\"world\":{\"resou").unwrap();
    let words = ["local", "--port", "0", "--state", state.to_str().unwrap()];
    let said = refused(scene.place.command(&words));
    says(&said, &["world.json", "remove the folder", "--state"]);
    let kept = fs::read_to_string(world).unwrap();
    assert!(kept.starts_with("{\"format\":2"), "it was overwritten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_cannot_be_written() {
    let scene = Scene::new();
    let file = scene.place.folder.join("home");
    fs::write(&file, "a file where the folder is to be").unwrap();
    let help = "check the folder's owner, permissions and free space";
    let words = [
        "status",
        "--source",
        &scene.place.source,
        "--endpoint-url",
        &scene.place.url,
    ];
    says(&refused(scene.place.command(&words)), &[help]);
    let run = scene.run();
    let run: Vec<_> = run.iter().map(String::as_str).collect();
    let daemon = started(scene.place.command(&run));
    told_once(&daemon, &[help]).await;
    fs::remove_file(file).unwrap();
    told(&daemon, &["can be read again"]).await;
    daemon.end().await;
    drop(scene.repository);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_for_a_mirror() {
    let scene = Scene::new();
    let run = scene.run();
    let run: Vec<_> = run.iter().map(String::as_str).collect();
    let daemon = started(scene.place.limited(NO_ROOM, &run));
    told_once(
        &daemon,
        &["does not let the mirror", "make room where the cache is"],
    )
    .await;
    daemon.end().await;
    // What was begun stands in nobody's way.
    let daemon = started(scene.place.command(&run));
    told(&daemon, &["trueup.yaml"]).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_for_the_local_state() {
    let scene = Scene::new();
    let mut place = scene.place.clone();
    let state = place.folder.join("state");
    let words = ["local", "--port", "0", "--control-plane-only", "--state"];
    let words = [&words[..], &[state.to_str().unwrap()]].concat();
    let local = place.reached(started(scene.place.limited(NO_ROOM, &words)));
    let http = Http::new(&place.url);
    for number in 0..100 {
        let group = json!({"ModelPackageGroupName": format!("group-{number}")});
        // Others are still served.
        http.sagemaker("CreateModelPackageGroup", &group)
            .await
            .unwrap();
    }
    told_once(&local, &["was not saved", "make room"]).await;
    drop(local);
    // What was written before is whole.
    let local = place.reached(started(scene.place.command(&words)));
    let first = json!({"ModelPackageGroupName": "group-0"});
    let http = Http::new(&place.url);
    http.sagemaker("DescribeModelPackageGroup", &first)
        .await
        .unwrap();
    local.end().await;
}

/// What is inherited from whoever runs the tests takes some, so that only the ends are known.
#[test]
fn file_descriptors_too_few_to_begin() {
    let scene = Scene::new();
    let mut refusals = 0;
    for most in 8..8 + BEGIN_FILES {
        let limit = format!("ulimit -n {most}");
        let output = scene.place.limited(&limit, &["status"]).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{most}: {said}");
        refusals +=
            usize::from(said.contains("oo many open files") && said.contains("`ulimit -n`"));
    }
    assert!(refusals > 0, "nothing was too few");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_descriptors() {
    let scene = Scene::new();
    let run = scene.run();
    let run: Vec<_> = run.iter().map(String::as_str).collect();
    let daemon = started(scene.place.command(&run));
    told(&daemon, &["trueup.yaml"]).await;
    let before = daemon.may_open(Some(0));
    scene.repository.commit("main", &[("new.txt", Some("new"))]);
    told_once(&daemon, &["oo many open files", "`ulimit -n`"]).await;
    daemon.may_open(before);
    told(&daemon, &["can be read again"]).await;
    daemon.end().await;
}
