//! The local SageMaker with a fleet's world in it, in a process of its own. Nothing serves behind
//! its endpoints: there is no interpreter to do so.

use std::fs;
use std::io::{Write as _, stdin, stdout};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use trueup::clock::ManualClock;
use trueup::local::{LocalOptions, serve};

use super::child;
use super::grow;
use super::options::Step;

/// To start, and to answer a question about itself.
const DEADLINE: Duration = Duration::from_mins(5);

/// Serves until standard input ends. Says where, and for every line it reads the number of the last
/// request that it answered.
pub(crate) async fn run(folder: &Path) {
    let copy = tempfile::tempdir().expect("a temporary folder");
    let world = "world.json";
    fs::copy(grow::state(folder).join(world), copy.path().join(world))
        .expect("the fleet was grown");
    let options = LocalOptions {
        state_dir: Some(copy.path().to_owned()),
        python: "none".to_owned(),
        path: String::new(),
        clock: Arc::new(ManualClock::new(grow::time(folder))),
        ..LocalOptions::default()
    };
    let local = serve(options).await.expect("a local SageMaker");
    let (mut line, mut last) = (local.url.clone(), 0);
    loop {
        writeln!(stdout(), "{line}").expect("somebody listens");
        if !asked().await {
            return;
        }
        last = local.calls(last).last().map_or(last, |call| call.seq);
        line = last.to_string();
    }
}

/// Waits for a line. `false`: there are no more.
async fn asked() -> bool {
    let read = spawn_blocking(|| stdin().read_line(&mut String::new()));
    matches!(read.await, Ok(Ok(bytes)) if bytes > 0)
}

/// A server that runs beside this process, as long as this is there.
pub(crate) struct Server {
    pub(crate) url: String,
    _child: Child,
    asked: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub(crate) async fn start(folder: &Path, models: usize) -> Self {
        let mut command = child::command(Step::Serve, models, folder);
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        let asked = child.stdin.take().expect("it was piped");
        let mut told = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        Self {
            url: line(&mut told).await,
            _child: child,
            asked,
            told,
        }
    }

    /// How many requests it has answered so far.
    pub(crate) async fn calls(&mut self) -> f64 {
        self.asked.write_all(b"calls\n").await.expect("it listens");
        let line = line(&mut self.told).await;
        line.parse().expect("it answers a number")
    }
}

async fn line(told: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = timeout(DEADLINE, told.next_line()).await;
    let line = line.expect("it answers in time").expect("it can be read");
    line.expect("it has not ended")
}
