//! The door for hooks of Git hosts.

use std::net::SocketAddr;
use std::sync::Arc;

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

/// A listener, and what opens doors behind it.
pub(super) struct Opened {
    pub(super) listener: TcpListener,
    pub(super) doors: Doors,
}

/// The doors, one a source.
pub(super) struct Doors {
    pub(super) hooks: Arc<Hooks>,
    address: SocketAddr,
}

impl Doors {
    /// Opens the door of a source, and says where it is.
    pub(super) fn open(&self, source: &Source) -> mpsc::Receiver<()> {
        let (key, address) = (source.key(), self.address);
        tracing::info!(%source, "hooks of {source} are taken at http://{address}/hooks/{key}");
        self.hooks.open(&key)
    }

    /// Closes the door of a source that is no longer followed.
    pub(super) fn close(&self, key: &str) {
        self.hooks.close(key);
    }
}

impl HooksArg {
    /// Listens, if that is wanted.
    pub(super) async fn open(&self, shell: &Shell) -> Result<Option<Opened>, CommandError> {
        let Some(address) = self.address else {
            return Ok(None);
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
        let hooks = Arc::new(Hooks::new(secret));
        let doors = Doors { hooks, address };
        Ok(Some(Opened { listener, doors }))
    }
}
