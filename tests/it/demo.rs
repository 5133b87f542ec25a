//! The demo, as a person starts it: the binary, an empty home, nothing but this machine.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// For one demo; it takes half a minute on two cores.
const DEADLINE: Duration = Duration::from_mins(3);
/// For what has to follow a Ctrl-C.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// One demo at a time: each of them trains, serves and waits for the other.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn start(folder: &Path, arguments: &[&str]) -> Child {
    let home = folder.join("home");
    std::fs::create_dir(&home).unwrap();
    Command::new(env!("CARGO_BIN_EXE_trueup"))
        .args(["demo", "--dir"])
        .arg(folder.join("demo"))
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lines as they come; what the channel does not hold is kept by nobody.
fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits for the end of a child, and ends it if it comes late.
fn end(mut child: Child, deadline: Duration) -> ExitStatus {
    let pid = Pid::from_child(&child);
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait()));
    if let Ok(status) = ended.recv_timeout(deadline) {
        return status.unwrap();
    }
    kill_process(pid, Signal::KILL).unwrap();
    panic!("the demo has not ended after {deadline:?}");
}

/// A demo to its end: exit code, summary, and what a person would have seen.
fn demo(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(
        folder.path(),
        &[&["--exit", "-o", "json"], arguments].concat(),
    );
    let told = lines(child.stderr.take().unwrap());
    let mut out = child.stdout.take().unwrap();
    let summary = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    let status = end(child, DEADLINE);
    let told: Vec<_> = told.iter().collect();
    let told = told.join("\n");
    let text = summary.join().unwrap();
    let summary = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: stdout is not one summary: {text}\n{told}"));
    assert_eq!(remains(folder.path()), Vec::<String>::new(), "{told}");
    (status.code(), summary, told)
}

/// Processes that have to do with a folder: by their command line or where they work.
fn remains(folder: &Path) -> Vec<String> {
    let marker = folder.to_str().unwrap();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").into_iter().flatten() {
        let process = process.unwrap().path();
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let place = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        if line.contains(marker) || place.starts_with(folder) {
            found.push(format!("{} {line}", process.display()));
        }
    }
    found
}

fn failed(summary: &Value) -> Vec<String> {
    let checks = summary["verifier"].as_array().unwrap();
    let failed = checks.iter().filter(|check| check["ok"] == false);
    failed
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_demo_shows_what_it_promises() {
    let _turn = turn();
    let (code, summary, told) = demo(&[]);
    assert_eq!(failed(&summary), Vec::<String>::new(), "{told}");
    assert_eq!(
        (code, &summary["ok"]),
        (Some(0), &Value::Bool(true)),
        "{told}"
    );
    assert_eq!(summary["steps"].as_array().unwrap().len(), 6);
    assert!(
        summary["verifier"].as_array().unwrap().len() >= 30,
        "{summary}"
    );
    assert_eq!(summary["packages"].as_array().unwrap().len(), 2);

    let auc = |run: usize| summary["auc"][run].as_f64().unwrap();
    assert!(
        (auc(0) - 0.717).abs() < 5e-4 && (auc(1) - 0.811).abs() < 5e-4,
        "{summary}"
    );
    let production = &summary["predictions"]["mortgage-production"];
    let probability = |at: usize| production[at].as_f64().unwrap();
    for (at, expected) in [0.247_576_788_452_565_26, 0.610_388_526_484_945_1]
        .iter()
        .enumerate()
    {
        assert!((probability(at) - expected).abs() < 1e-9, "{production}");
    }
    let configs = summary["endpoint_configs"]["mortgage-production"]
        .as_array()
        .unwrap();
    assert!(
        configs[0] == configs[2] && configs[0] != configs[1],
        "{configs:?}"
    );
    assert_eq!(summary["undone"].as_array().unwrap().len(), 2, "{summary}");
}

fn caught(sabotage: &str, by: &str) {
    let _turn = turn();
    let (code, summary, told) = demo(&["--sabotage", sabotage]);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(
        summary["failure"],
        Value::Null,
        "the verifier has to say it: {told}"
    );
    let failed = failed(&summary);
    assert!(
        failed.iter().any(|name| name.contains(by)),
        "{failed:?}\n{told}"
    );
}

#[test]
fn constant_predictions_are_caught() {
    caught(
        "constant-predictions",
        "it answers what the model's numbers say",
    );
}

#[test]
fn a_missing_gate_is_caught() {
    caught("skip-gate", "the gate let it through");
}

#[test]
fn a_missing_revert_is_caught() {
    caught(
        "skip-revert",
        "the revert brought the same endpoint config back",
    );
}

/// Waits for `moment` to be told, presses Ctrl-C `times` times, and sees that nothing is left.
fn interrupted(moment: &str, times: usize) {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &[]);
    let told = lines(child.stdout.take().unwrap());
    let mut seen = String::new();
    while !seen.contains(moment) {
        seen = told
            .recv_timeout(DEADLINE)
            .expect("the demo goes on until then");
    }
    let pid = Pid::from_child(&child);
    for _ in 0..times {
        kill_process(pid, Signal::INT).unwrap();
    }
    assert_eq!(
        end(child, STOP_DEADLINE).code(),
        Some(130),
        "after {moment:?}"
    );
    gone(folder.path());
}

/// After a second Ctrl-C nothing is waited for: what the demo had started ends by itself, at once
/// but after it.
fn gone(folder: &Path) {
    let (sender, deadline) = mpsc::channel::<()>();
    for _ in 0..100 {
        if remains(folder).is_empty() {
            return;
        }
        deadline.recv_timeout(Duration::from_millis(50)).ok();
    }
    drop(sender);
    panic!("still there: {:?}", remains(folder));
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    interrupted("answering at", 1);
    interrupted("preprocess", 1);
    interrupted("mortgage-staging serves", 1);
}

#[test]
fn an_impatient_ctrl_c_leaves_nothing_behind() {
    interrupted("mortgage-staging serves", 2);
}
