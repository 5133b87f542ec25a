//! The two programs of the ordeal: a local SageMaker that lives on, and a daemon that does not.
#![expect(
    clippy::disallowed_methods,
    reason = "the binary is what is tested, with the caller's interpreter"
)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::Value;
use tokio::time::{interval, timeout};

use crate::run::log::{LEVEL, Log};

/// Until a program that was asked to end has.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where the programs of one ordeal are, and what they are told.
#[derive(Debug, Clone, Default)]
pub(in crate::run) struct Place {
    /// Everything that they write is below it.
    pub(in crate::run) folder: PathBuf,
    /// The origin.
    pub(in crate::run) source: String,
    /// The local SageMaker.
    pub(in crate::run) url: String,
}

/// A running program, which is killed when it is dropped.
pub(in crate::run) struct Program {
    child: Child,
    pub(in crate::run) log: Log,
}

impl Drop for Program {
    /// `kill -9`.
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Place {
    /// Starts the local SageMaker of this place, which from then on knows its address.
    pub(in crate::run) fn local(&mut self) -> Program {
        let state = self.folder.join("state");
        let state = state.to_str().unwrap();
        let local = self.start(&["local", "--port", "0", "--state", state]);
        self.reached(local)
    }

    /// Waits until a local SageMaker says where it is.
    pub(in crate::run) fn reached(&mut self, mut local: Program) -> Program {
        let mut line = String::new();
        let out = local.child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error}: {line:?}\n{}", local.log.last_words()));
        ready["url"].as_str().unwrap().clone_into(&mut self.url);
        local
    }

    /// Starts a daemon, which looks at everything ten times a second.
    pub(in crate::run) fn daemon(&self) -> Program {
        let cloud = ["--endpoint-url", &self.url];
        let run = ["run", "--source", &self.source, "--poll", "500ms"];
        self.start(&[&run[..], &["--sweep", "100ms"], &cloud].concat())
    }

    /// Starts a daemon with the pauses of one that people run against a local SageMaker.
    pub(in crate::run) fn watchful(&self) -> Program {
        let run = ["run", "--source", &self.source, "--poll", "1s"];
        self.start(&[&run[..], &["--endpoint-url", &self.url]].concat())
    }

    /// Starts a daemon that looks as often as it may, and logs what the loop does and no more.
    pub(in crate::run) fn tireless(&self) -> Program {
        let command = ["run", "--source", &self.source, "--endpoint-url", &self.url];
        let often = ["--poll", "10ms", "--sweep", "10ms"];
        let mut command = self.command(&[&command[..], &often].concat());
        command.env("TRUEUP_LOG", "trueup::daemon=debug,warn");
        started(command)
    }

    /// Starts a local SageMaker behind which nothing is run.
    pub(in crate::run) fn pretended(&mut self) -> Program {
        let nothing = ["local", "--port", "0", "--control-plane-only"];
        let whose = ["--account", trueup::demo::example::ACCOUNT];
        let local = self.start(&[&nothing[..], &whose].concat());
        self.reached(local)
    }

    /// Runs a command beside the daemon: its exit code and both its streams.
    pub(in crate::run) async fn ask(&self, command: &[&str]) -> (Option<i32>, String) {
        let running = tokio::process::Command::from(self.command(command))
            .args(["--source", &self.source, "--endpoint-url", &self.url])
            .kill_on_drop(true)
            .output();
        let output = timeout(DEADLINE, running).await;
        let output = output
            .unwrap_or_else(|_| panic!("{command:?} did not end"))
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn start(&self, arguments: &[&str]) -> Program {
        started(self.command(arguments))
    }

    pub(in crate::run) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        self.dress(&mut command).args(arguments);
        command
    }

    /// The same, after a shell has set limits: a line of `sh`.
    pub(in crate::run) fn limited(&self, limits: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let line = format!("{limits}; exec \"$0\" \"$@\"");
        self.dress(&mut command)
            .args(["-c", &line, env!("CARGO_BIN_EXE_trueup")])
            .args(arguments);
        command
    }

    fn dress<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.join("home"))
            .env("TRUEUP_LOG", LEVEL)
            .stdin(Stdio::null())
    }
}

/// Starts a program, and listens to its log.
pub(in crate::run) fn started(mut command: Command) -> Program {
    let streams = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    let log = Log::of(child.stderr.take().unwrap());
    Program { child, log }
}

impl Program {
    pub(in crate::run) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it open so many files from now on: as many as it could before.
    pub(in crate::run) fn may_open(&self, files: Option<u64>) -> Option<u64> {
        let pid = Pid::from_child(&self.child);
        let before = getrlimit(Resource::Nofile);
        let limit = Rlimit {
            current: files,
            ..before
        };
        prlimit(Some(pid), Resource::Nofile, limit).unwrap().current
    }

    /// How it ended, once it has.
    pub(in crate::run) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Asks it to end, which it has to do, and well.
    pub(in crate::run) async fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let ending = async {
            let mut ticks = interval(Duration::from_millis(20));
            loop {
                ticks.tick().await;
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
            }
        };
        let status = timeout(DEADLINE, ending).await;
        let words = self.log.last_words();
        let status = status.unwrap_or_else(|_| panic!("it did not end\n{words}"));
        assert!(status.success(), "{status}\n{words}");
    }
}
