//! What jobs and endpoints say, read from the files of their supervisors and given to the logs of the
//! world: while they run, and the rest when they have ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::engine::Engine;
use crate::limits::{JOB_LINE_BYTES_MAX, LOG_READ_BYTES_MAX};
use crate::resource::call::Scope;
use crate::world::work::{Fleet, Job, JobKind};

/// How often what is followed is looked at.
const READ_EVERY: Duration = Duration::from_millis(250);

/// Everything that is followed.
#[derive(Default)]
pub(super) struct Logs(Mutex<BTreeMap<u64, Followed>>);

/// A stream of the logs, and the file that becomes it.
struct Followed {
    stream: Stream,
    file: PathBuf,
    read: u64,
    /// A line that has not ended.
    rest: Vec<u8>,
}

/// Where lines go.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    scope: Scope,
    group: String,
    name: String,
}

impl Stream {
    /// That of a job, as the service names it.
    ///
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html>
    pub(super) fn of_job(engine: &Engine, job: &Job) -> Self {
        let (group, host) = match job.kind {
            JobKind::Training => ("TrainingJobs", "algo-1".to_owned()),
            JobKind::Processing => ("ProcessingJobs", "algo-1".to_owned()),
            JobKind::Transform => ("TransformJobs", instance_id(engine)),
        };
        Self {
            scope: job.scope.clone(),
            group: format!("/aws/sagemaker/{group}"),
            name: format!("{}/{host}-{}", job.name, engine.now().as_second()),
        }
    }

    /// That of one instance of a variant.
    pub(super) fn of_instance(engine: &Engine, fleet: &Fleet) -> Self {
        Self {
            scope: fleet.scope.clone(),
            group: format!("/aws/sagemaker/Endpoints/{}", fleet.endpoint),
            name: format!("{}/{}", fleet.variant, instance_id(engine)),
        }
    }
}

fn instance_id(engine: &Engine) -> String {
    let digits = engine.uuid().replace('-', "");
    format!("i-0{}", &digits[..16])
}

/// A file that is followed for as long as this is there.
pub(super) struct Following<'a> {
    engine: &'a Engine,
    number: u64,
}

impl Drop for Following<'_> {
    /// What is left is read first.
    fn drop(&mut self) {
        let followed = self.engine.logs.lock().remove(&self.number);
        if let Some(mut followed) = followed {
            while let Some(lines) = followed.lines() {
                write(self.engine, &followed.stream, lines);
            }
            let last = text(&std::mem::take(&mut followed.rest));
            if !last.is_empty() {
                write(self.engine, &followed.stream, vec![last]);
            }
        }
    }
}

/// Follows a file, which need not be there yet, from where it ends now.
pub(super) fn follow(engine: &Engine, stream: Stream, file: PathBuf) -> Following<'_> {
    // The stream is there as soon as the container is.
    write(engine, &stream, Vec::new());
    let number = engine.number();
    let followed = Followed {
        stream,
        read: std::fs::metadata(&file).map_or(0, |about| about.len()),
        file,
        rest: Vec::new(),
    };
    engine.logs.lock().insert(number, followed);
    Following { engine, number }
}

/// Gives on what was said, four times a second.
pub(super) async fn keep_reading(engine: Arc<Engine>, mut quit: watch::Receiver<bool>) {
    while timeout(READ_EVERY, quit.changed()).await.is_err() {
        let held = Arc::clone(&engine);
        let read = tokio::task::spawn_blocking(move || {
            // Held while it is written too: what ends meanwhile says its rest after this.
            let mut all = held.logs.lock();
            for followed in all.values_mut() {
                if let Some(lines) = followed.lines().filter(|lines| !lines.is_empty()) {
                    write(&held, &followed.stream, lines);
                }
            }
        });
        if let Err(error) = read.await {
            tracing::error!(%error, "the output of local jobs was not read");
        }
    }
}

fn write(engine: &Engine, stream: &Stream, lines: Vec<String>) {
    let place = (&stream.scope, stream.group.as_str(), stream.name.as_str());
    engine.with_world_mut(|world, now| world.write_log(now, place, lines));
}

impl Logs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Followed>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Followed {
    /// The lines that have come to an end, of the next [`LOG_READ_BYTES_MAX`] bytes; `None` where
    /// there are no more bytes.
    fn lines(&mut self) -> Option<Vec<String>> {
        // A file that is not there yet has none either.
        let bytes = self.next().ok().filter(|bytes| !bytes.is_empty())?;
        self.rest.extend(bytes);
        let (mut lines, mut at) = (Vec::new(), 0);
        while let Some(length) = end_of_line(&self.rest[at..]) {
            let line = text(&self.rest[at..at + length]);
            // The service has no empty events.
            if !line.is_empty() {
                lines.push(line);
            }
            at += length;
        }
        self.rest.drain(..at);
        Some(lines)
    }

    fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        let read = file.take(LOG_READ_BYTES_MAX).read_to_end(&mut bytes)?;
        self.read += u64::try_from(read).unwrap_or_default();
        Ok(bytes)
    }
}

/// Where the first line ends; one that is too long ends there.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .map(|at| at + 1);
    match end {
        Some(end) => Some(end.min(JOB_LINE_BYTES_MAX)),
        None => (bytes.len() >= JOB_LINE_BYTES_MAX).then_some(JOB_LINE_BYTES_MAX),
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .trim_end_matches(['\n', '\r'])
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn lines_are_read_once_they_have_ended() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut followed = Followed {
            stream: Stream {
                scope: Scope {
                    account: String::new(),
                    region: String::new(),
                },
                group: String::new(),
                name: String::new(),
            },
            file: file.path().to_owned(),
            read: 0,
            rest: Vec::new(),
        };
        let mut check = |said: &[u8], expect: &[&str]| {
            file.write_all(said).unwrap();
            assert_eq!(followed.lines().unwrap_or_default(), expect);
        };
        check(b"", &[]);
        check(b"one\ntw", &["one"]);
        check(b"o\r\n\n\xff\n", &["two", "\u{fffd}"]);
        let long = "x".repeat(JOB_LINE_BYTES_MAX);
        check(format!("{long}y\n").as_bytes(), &[&long, "y"]);
        let most = usize::try_from(LOG_READ_BYTES_MAX).unwrap();
        let many = "0123456\n".repeat(most / 8 + 1);
        file.write_all(many.as_bytes()).unwrap();
        assert_eq!(followed.lines().unwrap().len(), most / 8);
        assert_eq!(followed.lines().unwrap(), ["0123456"]);
        assert_eq!(followed.lines(), None);
        followed.file = "/nowhere".into();
        assert_eq!(followed.lines(), None);
    }
}
