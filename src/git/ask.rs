//! Credentials from a file, from a command, and from Git's own credential helpers.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::login::{Ask, Credentials};
use super::question::{Question, bounded};
use crate::limits::{CREDENTIAL_BYTES_MAX, CREDENTIAL_DEADLINE};

/// A token in a file, read anew each time: something else may renew it.
#[derive(Debug)]
pub struct TokenFile(pub PathBuf);

impl Ask for TokenFile {
    fn ask(&self, _: &str) -> Result<Credentials, String> {
        let failed =
            |why: String| format!("cannot read a token from `{}`: {why}", self.0.display());
        let file = fs::File::open(&self.0).map_err(|error| failed(error.to_string()))?;
        let text = bounded(file, CREDENTIAL_BYTES_MAX).map_err(failed)?;
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
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let text = run(&self.program, &args, "").map_err(failed)?;
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
        let asked = format!("url={url}\n\n");
        let text = run(&self.git, &["credential", "fill"], &asked).map_err(failed)?;
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

/// What a program prints for trueup, where it ends well.
fn run(program: &Path, args: &[&str], input: &str) -> Result<String, String> {
    let question = Question {
        program,
        args,
        input,
        home: None,
        deadline: CREDENTIAL_DEADLINE,
        most: CREDENTIAL_BYTES_MAX,
    };
    let answer = question.ask()?;
    if !answer.status.success() {
        return Err(format!("it ended with {}", answer.status));
    }
    Ok(answer.text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

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
