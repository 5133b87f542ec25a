//! Another program, started to answer one question.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Variables with secrets that are for trueup alone.
const OURS: [&str; 2] = ["TRUEUP_GIT_TOKEN", "TRUEUP_HOOK_SECRET"];

/// What is asked, and of whom.
pub(super) struct Question<'a> {
    /// The program, started without a shell. A name is looked for in `PATH`.
    pub program: &'a Path,
    pub args: &'a [&'a str],
    /// What it reads.
    pub input: &'a str,
    /// Where it finds its settings; `None`: where the user has them.
    pub home: Option<&'a Path>,
    /// When it is killed.
    pub deadline: Duration,
    /// Bytes that it may print.
    pub most: u64,
}

/// What a program printed, and how it ended.
pub(super) struct Answer {
    pub status: ExitStatus,
    pub text: String,
}

impl Question<'_> {
    /// Starts the program and waits for its end. It never asks on a terminal.
    ///
    /// Errors: what kept it from answering, as a phrase.
    #[expect(
        clippy::disallowed_methods,
        reason = "a program that the user names, not the repository; it answers at once or is killed"
    )]
    pub(super) fn ask(&self) -> Result<Answer, String> {
        let mut command = Command::new(self.program);
        for name in OURS {
            command.env_remove(name);
        }
        if let Some(home) = self.home {
            command.env("HOME", home).env("GNUPGHOME", home);
        }
        let mut child = command
            .args(self.args)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS", "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let text = self.converse(&mut child);
        // Without effect where it has ended.
        drop(child.kill());
        let status = child.wait().map_err(|error| error.to_string())?;
        let text = text?;
        Ok(Answer { status, text })
    }

    fn converse(&self, child: &mut Child) -> Result<String, String> {
        if let Some(mut stdin) = child.stdin.take() {
            // A program that asks for nothing may have ended.
            drop(stdin.write_all(self.input.as_bytes()));
        }
        let stdout = child.stdout.take().ok_or("it has no output")?;
        let (sender, receiver) = mpsc::sync_channel(1);
        let reader = thread::Builder::new().name("answer".to_owned());
        let most = self.most;
        let reader = reader.spawn(move || drop(sender.send(bounded(stdout, most))));
        drop(reader.map_err(|error| error.to_string())?);
        let text = receiver.recv_timeout(self.deadline);
        let late = |_| format!("no answer within {} s", self.deadline.as_secs());
        let text = text.map_err(late)??;
        end_of(child, self.deadline);
        Ok(text)
    }
}

/// Text of bounded length.
pub(super) fn bounded(from: impl Read, most: u64) -> Result<String, String> {
    let mut text = String::new();
    let read = from.take(most + 1).read_to_string(&mut text);
    let read = read.map_err(|error| error.to_string())?;
    if u64::try_from(read).is_ok_and(|read| read > most) {
        return Err(format!("more than {most} bytes"));
    }
    Ok(text)
}

/// Waits until a program that has closed its output has ended, too.
fn end_of(child: &mut Child, deadline: Duration) {
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    let mut left = deadline;
    while matches!(child.try_wait(), Ok(None)) && !left.is_zero() {
        thread::park_timeout(LOOK_EVERY);
        left = left.saturating_sub(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{CREDENTIAL_DEADLINE, FETCH_DEADLINE};

    fn asked(script: &str, home: Option<&Path>, deadline: Duration) -> Result<Answer, String> {
        let question = Question {
            program: Path::new("/bin/sh"),
            args: &["-c", script],
            input: "one\ntwo\n",
            home,
            deadline,
            most: 8,
        };
        question.ask()
    }

    #[test]
    fn a_program_that_does_not_answer_is_killed() {
        let outcome =
            asked("exec sleep 600", None, Duration::from_millis(100)).map(|answer| answer.text);
        assert!(outcome.unwrap_err().contains("no answer within"));
        // What is asked for during a conversation ends before that does.
        assert!(CREDENTIAL_DEADLINE < FETCH_DEADLINE);
    }

    #[test]
    fn an_answer_is_text_of_bounded_length_and_how_the_program_ended() {
        let asked = |script, home| asked(script, home, CREDENTIAL_DEADLINE);
        let answer = asked("cat; exit 3", None).unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.status.code()),
            ("one\ntwo\n", Some(3))
        );
        let home = asked("echo $HOME", Some(Path::new("/h"))).unwrap();
        assert_eq!(home.text, "/h\n");
        let long = asked("cat; echo", None).map(|answer| answer.text);
        assert_eq!(long, Err("more than 8 bytes".to_owned()));
    }
}
