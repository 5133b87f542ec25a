//! Credentials from a file, from a command, and from Git's own credential helpers.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use secrecy::SecretString;

use super::login::{Ask, Credentials};
use crate::limits::{CREDENTIAL_BYTES_MAX, CREDENTIAL_DEADLINE};

/// Variables with secrets that are for trueup alone.
const OURS: [&str; 2] = ["TRUEUP_GIT_TOKEN", "TRUEUP_HOOK_SECRET"];

/// A token in a file, read anew each time: something else may renew it.
#[derive(Debug)]
pub struct TokenFile(pub PathBuf);

impl Ask for TokenFile {
    fn ask(&self, _: &str) -> Result<Credentials, String> {
        let failed =
            |why: String| format!("cannot read a token from `{}`: {why}", self.0.display());
        let file = fs::File::open(&self.0).map_err(|error| failed(error.to_string()))?;
        let text = bounded(file).map_err(failed)?;
        token(&text).ok_or_else(|| failed("it holds no line".to_owned()))
    }
}

/// A command whose first line of output is a token. It is started without a shell.
#[derive(Debug)]
pub struct TokenCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Ask for TokenCommand {
    fn ask(&self, _: &str) -> Result<Credentials, String> {
        let failed = |why: String| format!("`{}` gave no token: {why}", self.program.display());
        let text = run(&self.program, &self.args, "", CREDENTIAL_DEADLINE).map_err(failed)?;
        token(&text).ok_or_else(|| failed("it printed no line".to_owned()))
    }
}

/// What the helpers of Git's configuration know, asked through `git credential fill`.
#[derive(Debug)]
pub struct GitHelpers {
    /// The program `git`.
    pub git: PathBuf,
}

impl Ask for GitHelpers {
    fn ask(&self, url: &str) -> Result<Credentials, String> {
        let failed = |why: String| format!("`git credential fill` knows nothing of {url}: {why}");
        let args = ["credential".to_owned(), "fill".to_owned()];
        let asked = format!("url={url}\n\n");
        let text = run(&self.git, &args, &asked, CREDENTIAL_DEADLINE).map_err(failed)?;
        let field = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        };
        let found = field("username").zip(field("password"));
        let (user, password) = found.ok_or_else(|| failed("no user and password".to_owned()))?;
        Ok(Credentials {
            user: SecretString::from(user),
            password: SecretString::from(password),
        })
    }
}

/// The first line, as a token.
fn token(text: &str) -> Option<Credentials> {
    let first = text.lines().next()?.trim();
    (!first.is_empty()).then(|| Credentials::token(SecretString::from(first)))
}

/// Text of bounded length.
fn bounded(from: impl std::io::Read) -> Result<String, String> {
    let mut text = String::new();
    let read = from
        .take(CREDENTIAL_BYTES_MAX + 1)
        .read_to_string(&mut text);
    let read = read.map_err(|error| error.to_string())?;
    if u64::try_from(read).is_ok_and(|read| read > CREDENTIAL_BYTES_MAX) {
        return Err(format!("more than {CREDENTIAL_BYTES_MAX} bytes"));
    }
    Ok(text)
}

/// What a program prints. It never asks on a terminal, and is killed at the deadline.
#[expect(
    clippy::disallowed_methods,
    reason = "a program that the user names, not the repository; it answers at once or is killed"
)]
fn run(
    program: &PathBuf,
    args: &[String],
    input: &str,
    deadline: Duration,
) -> Result<String, String> {
    let mut command = Command::new(program);
    for name in OURS {
        command.env_remove(name);
    }
    let mut child = command
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS", "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let outcome = converse(&mut child, input, deadline);
    // Without effect where it has ended.
    drop(child.kill());
    let status = child.wait().map_err(|error| error.to_string())?;
    let text = outcome?;
    if !status.success() {
        return Err(format!("it ended with {status}"));
    }
    Ok(text)
}

fn converse(child: &mut Child, input: &str, deadline: Duration) -> Result<String, String> {
    if let Some(mut stdin) = child.stdin.take() {
        // A program that asks for nothing may have ended.
        drop(stdin.write_all(input.as_bytes()));
    }
    let stdout = child.stdout.take().ok_or("it has no output")?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let reader = thread::Builder::new().name("credentials".to_owned());
    let reader = reader.spawn(move || drop(sender.send(bounded(stdout))));
    drop(reader.map_err(|error| error.to_string())?);
    let text = receiver.recv_timeout(deadline);
    let text = text.map_err(|_| format!("no answer within {} s", deadline.as_secs()))??;
    end_of(child, deadline);
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
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::limits::FETCH_DEADLINE;

    fn shell(script: &str) -> TokenCommand {
        TokenCommand {
            program: PathBuf::from("/bin/sh"),
            args: vec!["-c".to_owned(), script.to_owned()],
        }
    }

    fn token_of(ask: &dyn Ask) -> Result<String, String> {
        let given = ask.ask("https://h/a")?;
        Ok(given.password.expose_secret().to_owned())
    }

    #[test]
    fn a_token_is_the_first_line_of_a_file_or_of_an_output() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = TokenFile(path.clone());
        assert!(token_of(&file).unwrap_err().contains("cannot read"));
        fs::write(&path, "one\nrest").unwrap();
        assert_eq!(token_of(&file).unwrap(), "one");
        fs::write(&path, "two").unwrap();
        assert_eq!(token_of(&file).unwrap(), "two", "it is read anew");
        fs::write(&path, "\n").unwrap();
        assert!(token_of(&file).unwrap_err().contains("no line"));
        assert_eq!(token_of(&shell("echo three; echo rest")).unwrap(), "three");
        let secret = "test -z \"$TRUEUP_GIT_TOKEN\" && echo unseen";
        assert_eq!(token_of(&shell(secret)).unwrap(), "unseen");
    }

    #[test]
    fn what_fails_is_said_without_its_output() {
        let check = |script: &str, words: &str| {
            let said = token_of(&shell(script)).unwrap_err();
            assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
        };
        check("echo hunter2; exit 3", "exit status: 3");
        check("true", "no line");
        let most = CREDENTIAL_BYTES_MAX + 1;
        check(&format!("head -c {most} /dev/zero"), "more than");
        let missing = TokenCommand {
            program: PathBuf::from("/nowhere/program"),
            args: Vec::new(),
        };
        assert!(token_of(&missing).unwrap_err().contains("No such file"));
    }

    #[test]
    fn a_program_that_does_not_answer_is_killed() {
        let asleep = shell("exec sleep 600");
        let soon = Duration::from_millis(100);
        let outcome = run(&asleep.program, &asleep.args, "", soon);
        assert!(outcome.unwrap_err().contains("no answer within"));
        // What is asked for during a conversation ends before that does.
        assert!(CREDENTIAL_DEADLINE < FETCH_DEADLINE);
    }

    #[test]
    fn git_is_asked_for_what_its_helpers_know() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("git");
        let script = "#!/bin/sh\nread -r line\n\
            [ \"$1 $2 $line\" = \"credential fill url=https://h/a\" ] || exit 1\n\
            printf 'protocol=https\\nusername=me\\npassword=hunter=2\\n'\n";
        fs::write(&program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
        let helpers = GitHelpers { git: program };
        let given = helpers.ask("https://h/a").unwrap();
        assert_eq!(given.user.expose_secret(), "me");
        assert_eq!(given.password.expose_secret(), "hunter=2");
        assert!(helpers.ask("https://other/a").is_err());
    }
}
