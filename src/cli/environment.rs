//! What the process's environment says: the only place where it is read.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use secrecy::SecretString;

/// The variables that matter, as they were at the start.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    /// `TRUEUP_GIT_TOKEN`: for `http(s)` sources without credentials in their URL.
    pub(super) git_token: Option<SecretString>,
    /// `TRUEUP_HOOK_SECRET`: what Git hosts sign their hooks with.
    pub(super) hook_secret: Option<SecretString>,
    /// `TRUEUP_LOG`, else `RUST_LOG`: which log lines are written.
    pub(super) log: Option<String>,
    /// Whether `SSH_AUTH_SOCK` names an agent.
    pub(super) ssh_agent: bool,
    /// `HOME`.
    pub(super) home: Option<PathBuf>,
    /// `USER`: who gives an order.
    pub(super) user: Option<String>,
    /// `PATH`: where the local SageMaker finds interpreters.
    path: Option<String>,
    /// Whether colours are unwanted: `NO_COLOR`, or a dumb terminal.
    pub(super) colourless: bool,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, where both are set: what requests to a local
    /// SageMaker that looks at signatures are signed with.
    pub(super) aws_keys: Option<(String, SecretString)>,
    /// `GITHUB_STEP_SUMMARY`: the file that a step of a GitHub workflow writes its summary to.
    pub(super) step_summary: Option<PathBuf>,
    /// `XDG_CACHE_HOME`, if it is absolute.
    cache_home: Option<PathBuf>,
}

impl Environment {
    /// Reads it.
    pub(super) fn read() -> Self {
        let text = |name| variable(name).and_then(|value| value.into_string().ok());
        Self {
            git_token: text("TRUEUP_GIT_TOKEN").map(SecretString::from),
            hook_secret: text("TRUEUP_HOOK_SECRET").map(SecretString::from),
            log: text("TRUEUP_LOG").or_else(|| text("RUST_LOG")),
            ssh_agent: variable("SSH_AUTH_SOCK").is_some(),
            home: variable("HOME").map(PathBuf::from),
            user: text("USER"),
            path: text("PATH"),
            colourless: variable("NO_COLOR").is_some() || text("TERM").as_deref() == Some("dumb"),
            aws_keys: text("AWS_ACCESS_KEY_ID")
                .zip(text("AWS_SECRET_ACCESS_KEY").map(SecretString::from)),
            step_summary: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            cache_home: variable("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute()),
        }
    }

    /// What a variable holds that the user has named.
    #[expect(
        clippy::unused_self,
        reason = "the environment is asked through what stands for it"
    )]
    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        let text = variable(name)?.into_string().ok()?;
        Some(SecretString::from(text))
    }

    /// Where programs are looked for: folders separated by colons.
    pub(super) fn programs(&self) -> String {
        let usual = || "/usr/local/bin:/usr/bin:/bin".to_owned();
        self.path.clone().unwrap_or_else(usual)
    }

    /// The folder that mirrors are kept in, where the user has a place for such things.
    pub(super) fn cache(&self) -> Option<PathBuf> {
        let home = || Some(self.home.as_ref()?.join(".cache"));
        Some(self.cache_home.clone().or_else(home)?.join("trueup"))
    }
}

/// Every variable that is text: for a program whose orders are there.
pub(super) fn all() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    env::vars_os().filter_map(text).collect()
}

/// A variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
