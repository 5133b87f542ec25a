//! The only place that starts children; each runs below a supervisor (see [`super::supervise`]).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a supervisor may take to start its child.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    /// Absolute path of the executable.
    pub(super) executable: PathBuf,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Its whole environment; nothing is inherited.
    pub(super) env: BTreeMap<String, String>,
    /// The folder it starts in.
    pub(super) cwd: PathBuf,
    /// What it sees as `/opt/ml`, where it has mounts of its own.
    pub(super) opt_ml: Option<PathBuf>,
    /// Where its output is appended, both streams, up to [`crate::limits::JOB_LOG_BYTES_MAX`].
    pub(super) log: PathBuf,
    /// Milliseconds between SIGTERM and SIGKILL when it is stopped.
    pub(super) grace_ms: u64,
}

/// What a supervisor reports, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Event {
    /// The child runs.
    Started {
        /// Its process group, which is also its process id.
        group: u32,
    },
    /// The child could not be started, or was lost.
    Failed {
        /// Why.
        reason: String,
    },
    /// The child ended, and with it everything in its group.
    Exited(Exit),
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exit {
    /// Its exit code, unless a signal ended it.
    pub(super) code: Option<i32>,
    /// The signal that ended it.
    pub(super) signal: Option<i32>,
    /// The last line that it wrote to standard error; empty if it wrote none.
    pub(super) last_error_line: String,
}

impl Exit {
    /// The exit code as a shell would report it: 128 + signal for one that a signal ended.
    pub(super) fn shell_code(&self) -> i32 {
        self.code
            .unwrap_or_else(|| self.signal.map_or(1, |signal| 128 + signal))
    }
}

/// Why a child could not be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    /// No such executable.
    #[error("cannot start the container's program: `{0}` is not on PATH")]
    NotOnPath(String),
    /// The supervisor did not start.
    #[error("cannot start the supervisor {path}")]
    Supervisor {
        /// Its executable.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The supervisor could not start the child.
    #[error("cannot start {program}: {reason}")]
    Start {
        /// The child.
        program: PathBuf,
        /// Why.
        reason: String,
    },
    /// The supervisor ended without a report.
    #[error("the supervisor of {0} was lost")]
    Lost(PathBuf),
}

/// A running child. Dropping it kills the child and its whole group.
#[derive(Debug)]
pub(super) struct Running {
    program: PathBuf,
    supervisor: Child,
    orders: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    group: u32,
    /// How the child ended, from when its supervisor says so until somebody was told: a wait may be
    /// cancelled in between.
    exit: Option<Exit>,
}

/// What supervises: `<executable> __job`.
#[derive(Debug, Clone)]
pub(super) struct Supervisor {
    /// This program.
    pub(super) executable: PathBuf,
    /// The program and the arguments that give what comes after them mounts of its own, where that
    /// can be had.
    pub(super) through: Option<(PathBuf, &'static [&'static str])>,
}

impl Supervisor {
    /// Whether children have an `/opt/ml` of their own.
    pub(super) fn mounts(&self) -> bool {
        self.through.is_some()
    }

    /// The same in a word.
    pub(super) fn opt_ml(&self) -> &'static str {
        if self.mounts() {
            "mounted"
        } else {
            "rewritten"
        }
    }

    fn command(&self, mounts: bool) -> Command {
        let mut command = match &self.through {
            Some((program, args)) if mounts => {
                let mut command = Command::new(program);
                command.args(*args).arg("--").arg(&self.executable);
                command
            }
            _ => Command::new(&self.executable),
        };
        command.arg("__job");
        command
    }
}

/// Starts `program` below a supervisor of its own.
///
/// # Errors
/// When the supervisor or the program cannot be started.
pub(super) async fn start(
    supervisor: &Supervisor,
    program: &Program,
) -> Result<Running, ProcessError> {
    let lost = |source| ProcessError::Supervisor {
        path: supervisor.executable.clone(),
        source,
    };
    let mut supervisor = supervisor
        .command(program.opt_ml.is_some())
        .env_clear()
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(lost)?;
    let (Some(mut orders), Some(events)) = (supervisor.stdin.take(), supervisor.stdout.take())
    else {
        return Err(ProcessError::Lost(program.executable.clone()));
    };
    let mut line = serde_json::to_vec(program).map_err(|e| lost(io::Error::other(e)))?;
    line.push(b'\n');
    orders.write_all(&line).await.map_err(lost)?;
    let mut running = Running {
        program: program.executable.clone(),
        supervisor,
        orders,
        events: BufReader::new(events).lines(),
        group: 0,
        exit: None,
    };
    match timeout(START_DEADLINE, running.event()).await {
        Ok(Some(Event::Started { group })) => {
            running.group = group;
            Ok(running)
        }
        Ok(Some(Event::Failed { reason })) => Err(ProcessError::Start {
            program: program.executable.clone(),
            reason,
        }),
        Ok(Some(Event::Exited(_)) | None) | Err(_) => {
            Err(ProcessError::Lost(program.executable.clone()))
        }
    }
}

impl Running {
    /// Asks the child to end: SIGTERM now, SIGKILL after its grace. [`Self::wait`] still answers.
    pub(super) async fn stop(&mut self) {
        // A supervisor that is gone has nothing left to stop.
        let _gone = self.orders.write_all(b"stop\n").await;
    }

    /// Waits for the end of the child. May be cancelled and called again.
    ///
    /// # Errors
    /// When the supervisor itself was killed; its child is killed then.
    pub(super) async fn wait(&mut self) -> Result<Exit, ProcessError> {
        if self.exit.is_none()
            && let Some(Event::Exited(exit)) = self.event().await
        {
            self.exit = Some(exit);
        }
        if self.exit.is_some() {
            // Reaps the supervisor; it has nothing left to do but end.
            let _status = timeout(START_DEADLINE, self.supervisor.wait()).await;
        } else {
            self.kill_group();
        }
        let exit = self.exit.take();
        exit.ok_or_else(|| ProcessError::Lost(self.program.clone()))
    }

    /// Kills the child and its group at once, and waits until they are gone.
    pub(super) async fn kill(self) {
        let Self {
            mut supervisor,
            orders,
            ..
        } = self;
        drop(orders);
        let _gone = timeout(START_DEADLINE, supervisor.wait()).await;
    }

    async fn event(&mut self) -> Option<Event> {
        let line = self.events.next_line().await.ok().flatten()?;
        serde_json::from_str(&line).ok()
    }

    /// For the case that somebody killed the supervisor: its child is not to be left alone.
    fn kill_group(&self) {
        let group = i32::try_from(self.group)
            .ok()
            .filter(|group| *group > 1)
            .and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Finds an executable: a name on `path` (colon-separated folders), or a path with a `/` as it is.
///
/// # Errors
/// [`ProcessError::NotOnPath`] with the name.
pub(super) fn find(name: &str, path: &str) -> Result<PathBuf, ProcessError> {
    let missing = || ProcessError::NotOnPath(name.to_owned());
    if name.contains('/') {
        let file = PathBuf::from(name);
        return if is_executable(&file) {
            Ok(file)
        } else {
            Err(missing())
        };
    }
    path.split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(|folder| Path::new(folder).join(name))
        .find(|file| is_executable(file))
        .ok_or_else(missing)
}

/// Writes scripts called `names` into `folder` that run `program`; where it was not found, they
/// fail with the reason, which a shell would not know. Links would not do: a virtual environment's
/// Python finds its packages by the path that it was started with.
pub(super) fn write_wrappers(
    folder: &Path,
    names: &[&str],
    program: &Result<PathBuf, ProcessError>,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let quoted = |text: &str| text.replace('\'', "'\\''");
    let line = match program {
        Ok(path) => format!("exec '{}' \"$@\"", quoted(&path.to_string_lossy())),
        // 127 is what a shell answers for a command that it does not find.
        Err(error) => format!(
            "printf '%s\\n' '{}' >&2; exit 127",
            quoted(&error.to_string())
        ),
    };
    std::fs::create_dir_all(folder)?;
    for name in names {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{line}\n"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path_that_was_given() {
        assert_eq!(find("sh", "/nowhere:/bin").unwrap(), Path::new("/bin/sh"));
        assert_eq!(find("/bin/sh", "").unwrap(), Path::new("/bin/sh"));
        let error = find("python3", "/nowhere").unwrap_err();
        assert!(
            error.to_string().contains("`python3` is not on PATH"),
            "{error}"
        );
    }

    #[test]
    fn a_signal_is_reported_as_a_shell_would() {
        let exit = Exit {
            code: None,
            signal: Some(9),
            last_error_line: String::new(),
        };
        assert_eq!(exit.shell_code(), 137);
    }
}
