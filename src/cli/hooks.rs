//! The door for hooks of Git hosts.

use std::net::SocketAddr;

use clap::Args;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::error::CommandError;
use super::shell::Shell;
use crate::git::Source;
use crate::limits::HOOK_SECRET_CHARS_MIN;
use crate::web::Hooks;

/// Where to listen.
#[derive(Debug, Args)]
pub(super) struct HooksArg {
    /// Listen here for web hooks, so that a push is looked at without waiting for the next poll. The
    /// hosts' secret is in `TRUEUP_HOOK_SECRET`; a log line says which URL is whose
    #[arg(long = "hooks", value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
}

/// A door that is open, and what is heard of each source.
pub(super) struct Opened {
    pub(super) door: Option<(TcpListener, Hooks)>,
    pub(super) heard: Vec<Option<mpsc::Receiver<()>>>,
}

impl HooksArg {
    /// Opens the door, with a URL for each source, if one is wanted.
    pub(super) async fn open(
        &self,
        shell: &Shell,
        sources: &[Source],
    ) -> Result<Opened, CommandError> {
        let Some(address) = self.address else {
            let heard = sources.iter().map(|_| None).collect();
            return Ok(Opened { door: None, heard });
        };
        let secret = shell.environment.hook_secret.clone();
        let secret = secret.filter(|secret| {
            let chars = secret.expose_secret().chars();
            chars.count() >= HOOK_SECRET_CHARS_MIN
        });
        let secret = secret.ok_or_else(|| {
            let least =
                format!("`--hooks` needs a secret of at least {HOOK_SECRET_CHARS_MIN} letters");
            CommandError::usage(&least)
                .help("put the one that the Git host signs with into `TRUEUP_HOOK_SECRET`")
        })?;
        let failed = |error| {
            CommandError::new(&error)
                .context(format!("hooks cannot be listened for at {address}"))
                .help("choose another address")
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut hooks = Hooks::new(secret);
        let mut heard = Vec::new();
        for source in sources {
            let key = source.key();
            heard.push(Some(hooks.open(&key)));
            tracing::info!(%source, "hooks of {source} are taken at http://{address}/hooks/{key}");
        }
        let door = Some((listener, hooks));
        Ok(Opened { door, heard })
    }
}
