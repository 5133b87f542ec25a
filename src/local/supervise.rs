//! The supervisor of one child: `trueup __job`.
//!
//! It reads what to start from the first line of its standard input, starts it in a process group
//! of its own, and kills that whole group as soon as its standard input ends. The server holds the
//! other end, so whatever becomes of the server (`kill -9` included), nothing that it started
//! outlives it, and no unsafe code is needed for that.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout};

use super::mounts;
use super::process::{Event, Exit, Program};
use crate::limits::{JOB_LINE_BYTES_MAX, JOB_LOG_BYTES_MAX, JOB_SPEC_BYTES_MAX};

/// How long the pipes of a dead group may stay open before their rest is given up: a process that
/// left the group can hold them for ever.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// Runs one supervised child to its end. `args` are those after `__job`; there are none.
///
/// Reads a [`Program`] as one line of JSON from standard input, then the word `stop` on a line of
/// its own to end the child gently. Writes [`Event`]s as lines of JSON to standard output. The exit
/// code is 0 when the child was started, 1 when it could not be, 2 for arguments it does not know.
pub fn main(args: &[String]) -> ExitCode {
    if !args.is_empty() {
        return ExitCode::from(2);
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return ExitCode::FAILURE;
    };
    let outcome = runtime.block_on(supervise());
    // The thread that waits for the child may be waiting still.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ignored = say(&Event::Failed {
                reason: error.to_string(),
            });
            ExitCode::FAILURE
        }
    }
}

async fn supervise() -> io::Result<()> {
    let limit = u64::try_from(JOB_SPEC_BYTES_MAX).unwrap_or(u64::MAX);
    let mut line = String::new();
    io::stdin().lock().take(limit).read_line(&mut line)?;
    let program: Program = serde_json::from_str(&line).map_err(io::Error::other)?;
    let mut orders = orders();
    let mut terminated = signal(SignalKind::terminate())?;

    if let Some(folder) = &program.opt_ml {
        mounts::opt_ml(folder)?;
    }
    let mut child = start(&program)?;
    let group = group_of(&child)?;
    let pumps = Pumps::start(&mut child, &program.log)?;
    say(&Event::Started { group: child.id() })?;

    let mut exited = tokio::task::spawn_blocking(move || wait_unreaped(group));
    let mut patience: Option<Instant> = None;
    loop {
        let left = patience.map_or(Duration::from_hours(1), |until| {
            until.saturating_duration_since(Instant::now())
        });
        tokio::select! {
            _ = &mut exited => break,
            order = orders.recv() => match order {
                Some(word) if word == "stop" && patience.is_none() => {
                    patience = Some(Instant::now() + Duration::from_millis(program.grace_ms));
                    kill(group, Signal::TERM);
                }
                Some(_) => {}
                None => { kill(group, Signal::KILL); break; }
            },
            _ = terminated.recv() => { kill(group, Signal::KILL); break; }
            expired = timeout(left, std::future::pending::<()>()) => {
                if expired.is_err() && patience.is_some_and(|until| until <= Instant::now()) {
                    kill(group, Signal::KILL);
                    break;
                }
            }
        }
    }
    // What the leader left behind goes with it, as in a container whose first process ends. The
    // leader is not reaped yet, so the group's number cannot belong to anybody else.
    wait_unreaped(group);
    kill(group, Signal::KILL);
    let status = child.wait()?;
    let last_error_line = pumps.finish();
    say(&Event::Exited(Exit {
        code: status.code(),
        signal: status.signal(),
        last_error_line,
    }))
}

/// The lines of standard input; the channel closes when it ends.
fn orders() -> tokio::sync::mpsc::Receiver<String> {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    thread::spawn(move || {
        let limit = u64::try_from(JOB_LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut input = io::stdin().lock();
        loop {
            let mut line = String::new();
            match (&mut input).take(limit).read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.blocking_send(line.trim().to_owned()).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    receiver
}

#[expect(
    clippy::disallowed_methods,
    reason = "the supervisor is the far half of `local::process`"
)]
fn start(program: &Program) -> io::Result<Child> {
    Command::new(&program.executable)
        .args(&program.args)
        .env_clear()
        .envs(&program.env)
        .current_dir(&program.cwd)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn group_of(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("the child has no process id"))
}

/// Waits until the leader has ended, and leaves it a zombie.
fn wait_unreaped(leader: Pid) {
    while let Err(rustix::io::Errno::INTR) = waitid(
        WaitId::Pid(leader),
        WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
    ) {}
}

fn kill(group: Pid, with: Signal) {
    // A group that is gone already is what was wanted.
    let _gone = kill_process_group(group, with);
}

fn say(event: &Event) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, event)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The two threads that carry a child's output into its log.
struct Pumps {
    done: mpsc::Receiver<()>,
    last_error_line: Arc<Mutex<String>>,
}

struct Log {
    file: File,
    left: usize,
}

impl Pumps {
    fn start(child: &mut Child, log: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let log = Arc::new(Mutex::new(Log {
            file,
            left: JOB_LOG_BYTES_MAX,
        }));
        let last_error_line = Arc::new(Mutex::new(String::new()));
        let (sender, done) = mpsc::channel();
        if let Some(out) = child.stdout.take() {
            let (log, sender) = (Arc::clone(&log), sender.clone());
            thread::spawn(move || {
                pump(out, &log, None);
                let _gone = sender.send(());
            });
        }
        if let Some(err) = child.stderr.take() {
            let last = Arc::clone(&last_error_line);
            thread::spawn(move || {
                pump(err, &log, Some(&last));
                let _gone = sender.send(());
            });
        }
        Ok(Self {
            done,
            last_error_line,
        })
    }

    /// Waits for the rest of the output and gives the last line that was written to standard error.
    fn finish(self) -> String {
        for _stream in 0..2 {
            if self.done.recv_timeout(DRAIN_DEADLINE).is_err() {
                break;
            }
        }
        self.last_error_line
            .lock()
            .expect("no holder of this lock panics")
            .clone()
    }
}

fn pump(from: impl Read, log: &Mutex<Log>, last: Option<&Mutex<String>>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(JOB_LINE_BYTES_MAX).unwrap_or(u64::MAX);
        match (&mut from).take(limit).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut log = log.lock().expect("no holder of this lock panics");
        log.write(&line);
        if let Some(last) = last {
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                let mut last = last.lock().expect("no holder of this lock panics");
                text.trim().clone_into(&mut last);
            }
        }
    }
}

impl Log {
    /// Appends a line, up to the limit. A full disk loses log lines, not the job.
    fn write(&mut self, line: &[u8]) {
        if self.left == 0 {
            return;
        }
        let taken = line.len().min(self.left);
        self.left -= taken;
        let _lost = self.file.write_all(&line[..taken]);
        if self.left == 0 {
            let _lost = self
                .file
                .write_all(b"\n... the rest of the output was not kept\n");
        }
    }
}
