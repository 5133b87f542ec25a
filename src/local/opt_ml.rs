//! How programs find the folder that stands for `/opt/ml`: by trying, once, at the start.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;

use super::paths::CONTAINER_ROOT;
use super::process::{self, Program, Supervisor};

/// How long one attempt may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// The ways to mounts of one's own, with `unshare` of util-linux. Who is root need not be another
/// user for that, and can still give files to others. Anybody else stays who they are, so that what
/// is written is theirs, and programs that behave otherwise as root do not.
const WAYS: &[&[&str]] = &[
    &["--mount"],
    &["--user", "--map-current-user", "--keep-caps", "--mount"],
];

/// What of `/opt/ml` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptMl {
    /// Mounted where this machine lets us, rewritten elsewhere.
    #[default]
    Auto,
    /// Each process sees its own folder as `/opt/ml`.
    Mount,
    /// Programs are told another path: in arguments, variables, and their own text.
    Rewrite,
}

/// What processes are supervised by.
///
/// # Errors
/// Why nothing can be mounted, if it is asked for.
pub(super) async fn supervisor(
    executable: PathBuf,
    wanted: OptMl,
    (path, python): (&str, &str),
    state: &Path,
) -> Result<Supervisor, String> {
    let plain = Supervisor {
        executable,
        through: None,
    };
    if wanted == OptMl::Rewrite {
        return Ok(plain);
    }
    let tried = match hidden([state, &plain.executable, Path::new(python)]) {
        Some(hidden) => Err(hidden),
        None => mounting(&plain, path, state).await,
    };
    match tried {
        Err(reason) if wanted == OptMl::Mount => Err(reason),
        Err(reason) => {
            tracing::info!(reason, "paths below /opt/ml are rewritten for local jobs");
            Ok(plain)
        }
        Ok(mounts) => {
            tracing::info!("local jobs have an /opt/ml of their own");
            Ok(mounts)
        }
    }
}

/// What is needed and would not be seen any more.
fn hidden(needed: [&Path; 3]) -> Option<String> {
    let hidden = |path: &&Path| path.starts_with(CONTAINER_ROOT);
    let path = needed.into_iter().find(hidden)?;
    Some(format!("{} is below {CONTAINER_ROOT}", path.display()))
}

async fn mounting(plain: &Supervisor, path: &str, state: &Path) -> Result<Supervisor, String> {
    let unshare = process::find("unshare", path).map_err(|error| error.to_string())?;
    let mut reasons = Vec::new();
    for way in WAYS {
        let supervisor = Supervisor {
            executable: plain.executable.clone(),
            through: Some((unshare.clone(), way)),
        };
        match timeout(DEADLINE, attempt(&supervisor, path, state)).await {
            Ok(Ok(())) => return Ok(supervisor),
            Ok(Err(reason)) => reasons.push(format!("unshare {}: {reason}", way.join(" "))),
            Err(_) => reasons.push(format!("unshare {}: no answer", way.join(" "))),
        }
    }
    Err(reasons.join("; "))
}

/// Starts a process that leaves a file in its `/opt/ml`, and looks for that file.
async fn attempt(supervisor: &Supervisor, path: &str, state: &Path) -> Result<(), String> {
    let folder = state.join("opt-ml");
    let words = |error: io::Error| error.to_string();
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(words)?;
    }
    let root = folder.join("root");
    fs::create_dir_all(&root).map_err(words)?;
    let program = Program {
        executable: process::find("sh", path).map_err(|error| error.to_string())?,
        args: ["-c", ": > /opt/ml/seen"].map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        cwd: PathBuf::from(CONTAINER_ROOT),
        opt_ml: Some(root.clone()),
        log: folder.join("log.txt"),
        grace_ms: 0,
    };
    let mut running = process::start(supervisor, &program)
        .await
        .map_err(|error| error.to_string())?;
    let ended = running.wait().await.map_err(|error| error.to_string())?;
    let seen = root.join("seen").exists();
    fs::remove_dir_all(&folder).map_err(words)?;
    if seen {
        Ok(())
    } else {
        Err(format!("nothing was written: {}", ended.last_error_line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_hidden_is_named() {
        let check = |state: &str, expect: Option<&str>| {
            let others = ["/usr/bin/trueup", "python3"].map(Path::new);
            let found = hidden([Path::new(state), others[0], others[1]]);
            assert_eq!(found.as_deref(), expect);
        };
        check("/opt/ml/state", Some("/opt/ml/state is below /opt/ml"));
        check("/opt/mlflow", None);
        check("/opt/trueup/state", None);
    }
}
