//! Who this process is to Git hosts, and which of them it trusts.

use std::path::{Path, PathBuf};

use clap::Args;

use super::environment::Environment;
use super::error::CommandError;
use super::signing::{signing_key, trusted};
use crate::aws::Identity;
use crate::clock::{Clock as _, SystemClock};
use crate::config::HostAccess;
use crate::git::codecommit::{self, AwsKeys};
use crate::git::{Ask, Credentials, GitHelpers, Keys, Login, Source, TokenCommand, TokenFile};

/// The keys that OpenSSH looks for.
const KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];
/// The hosts that the machine knows.
const KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// How Git hosts let this process in.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Git hosts")]
pub(super) struct GitArg {
    /// A file whose first line is a token for `http(s)` sources; read anew at each conversation
    #[arg(long = "git-token-file", global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A command whose first line of output is such a token: a program and its arguments, separated
    /// by spaces, run without a shell at each conversation
    #[arg(
        long = "git-token-command",
        global = true,
        value_name = "COMMAND",
        conflicts_with = "token_file"
    )]
    token_command: Option<String>,
    /// Ask the credential helpers of Git's own configuration
    #[arg(long = "git-helpers", global = true, conflicts_with_all = ["token_file", "token_command"])]
    helpers: bool,
    /// A private key for SSH, without a passphrase; may be given several times. Default: the agent that
    /// `SSH_AUTH_SOCK` names, then `~/.ssh/id_ed25519`, `id_ecdsa` and `id_rsa`
    #[arg(long = "git-key", global = true, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Which SSH hosts are trusted, in the form of OpenSSH's `known_hosts`; may be given several times.
    /// Default: `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`
    #[arg(long = "git-known-hosts", global = true, value_name = "FILE")]
    known_hosts: Vec<PathBuf>,
    /// An SSH key (`ssh-ed25519`, without a passphrase) that trueup's own commits are signed with
    #[arg(long = "git-signing-key", global = true, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Whose signature the newest commit must have as long as nothing was acted on, in the form of OpenSSH's
    /// `allowed_signers`. Default: what that commit says itself
    #[arg(long = "git-signers", global = true, value_name = "FILE")]
    signers: Option<PathBuf>,
}

impl GitArg {
    /// Gives a source what opens it, as far as its URL does not.
    pub(super) fn equip(
        &self,
        source: &mut Source,
        environment: &Environment,
        profile: Option<&str>,
        access: &HostAccess,
    ) -> Result<(), CommandError> {
        source.keys = self.keys(environment, access);
        source.signing = self.signing_key.as_deref().map(signing_key).transpose()?;
        source.trusted = self.signers.as_deref().map(trusted).transpose()?;
        if source.is_web() && matches!(source.login, Login::Nobody) {
            source.login = match of_host(access, environment)? {
                Some(login) => login,
                None => self.login(source, environment, profile)?,
            };
        }
        Ok(())
    }

    /// Whether a token is given for no host in particular.
    pub(super) fn has_token(&self, environment: &Environment) -> bool {
        self.token_file.is_some() || self.token_command.is_some() || environment.git_token.is_some()
    }

    fn login(
        &self,
        source: &Source,
        environment: &Environment,
        profile: Option<&str>,
    ) -> Result<Login, CommandError> {
        if let Some(path) = &self.token_file {
            return Ok(Login::asked(TokenFile(path.clone())));
        }
        if let Some(text) = &self.token_command {
            let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            return Ok(Login::asked(command(&words, environment)?));
        }
        if self.helpers {
            return helpers(environment);
        }
        if let Some(region) = source.codecommit_region() {
            return Ok(Login::asked(CodeCommit {
                region: region.to_owned(),
                identity: Identity::of(profile.map(str::to_owned)),
            }));
        }
        let token = environment.git_token.clone();
        Ok(token.map_or(Login::Nobody, |token| {
            Login::Known(Credentials::token(token))
        }))
    }

    fn keys(&self, environment: &Environment, access: &HostAccess) -> Keys {
        let folder = environment.home.as_ref().map(|home| home.join(".ssh"));
        let in_home = |name: &str| folder.as_ref().map(|folder| folder.join(name));
        let named = or_else(&access.keys, &self.keys);
        let files = if named.is_empty() {
            let usual = KEYS.iter().filter_map(|name| in_home(name));
            usual.filter(|path| path.is_file()).collect()
        } else {
            named.clone()
        };
        let known_hosts = or_else(&access.known_hosts, &self.known_hosts);
        let known_hosts = if known_hosts.is_empty() {
            let own = in_home("known_hosts");
            own.into_iter()
                .chain([PathBuf::from(KNOWN_HOSTS)])
                .collect()
        } else {
            known_hosts
        };
        Keys {
            agent: named.is_empty() && environment.ssh_agent,
            files,
            known_hosts,
        }
    }
}

/// What was said of a host, else of all.
fn or_else(of_host: &[String], of_all: &[PathBuf]) -> Vec<PathBuf> {
    if of_host.is_empty() {
        of_all.to_vec()
    } else {
        of_host.iter().map(PathBuf::from).collect()
    }
}

/// The way to a token that was named for a host.
fn of_host(access: &HostAccess, environment: &Environment) -> Result<Option<Login>, CommandError> {
    if let Some(path) = &access.token_file {
        return Ok(Some(Login::asked(TokenFile(path.into()))));
    }
    if let Some(words) = &access.token_command {
        return Ok(Some(Login::asked(command(words, environment)?)));
    }
    if access.helpers {
        return helpers(environment).map(Some);
    }
    let Some(name) = &access.token_env else {
        return Ok(None);
    };
    let token = environment.secret(name).ok_or_else(|| {
        CommandError::usage(format!("there is no token in `{name}`"))
            .help("put it into that environment variable, or name another way to it")
    })?;
    Ok(Some(Login::Known(Credentials::token(token))))
}

fn helpers(environment: &Environment) -> Result<Login, CommandError> {
    let git = environment.program("git")?;
    Ok(Login::asked(GitHelpers { git }))
}

fn command(words: &[String], environment: &Environment) -> Result<TokenCommand, CommandError> {
    let (program, args) = words
        .split_first()
        .ok_or_else(|| CommandError::usage("a command for a token names no program"))?;
    Ok(TokenCommand {
        program: environment.program(program)?,
        args: args.to_vec(),
    })
}

/// `CodeCommit` takes a signature of the AWS identity that this process has.
#[derive(Debug)]
struct CodeCommit {
    region: String,
    identity: Identity,
}

impl Ask for CodeCommit {
    fn ask(&self, url: &str) -> Result<Credentials, String> {
        let now = SystemClock.now();
        let keys = self.identity.keys(now)?;
        let keys = AwsKeys {
            id: keys.access_key_id().to_owned(),
            secret: keys.secret_access_key().to_owned().into(),
            session: keys.session_token().map(|token| token.to_owned().into()),
        };
        Ok(codecommit::credentials(&keys, &self.region, url, now))
    }
}

impl Environment {
    /// Where a program is: at its path, or in the first folder of `PATH` that has it.
    fn program(&self, name: &str) -> Result<PathBuf, CommandError> {
        if name.contains('/') {
            return Ok(PathBuf::from(name));
        }
        let programs = self.programs();
        let mut found = programs
            .split(':')
            .map(|folder| Path::new(folder).join(name));
        found.find(|path| path.is_file()).ok_or_else(|| {
            CommandError::usage(format!("there is no program `{name}`"))
                .help("give its path, or put its folder into `PATH`")
        })
    }
}
