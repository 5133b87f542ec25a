//! One writer a mirror.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::GitError;

/// An exclusive lock on a file. The operating system drops it with the process, however that ends,
/// so it cannot go stale; the file itself stays.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    /// Closing would do, but for a child process that is being started at this very moment: it
    /// shares the open file until it runs its own program.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a mirror's lock could not be released");
        }
    }
}

impl Lock {
    /// Takes the lock at once or not at all.
    pub(super) fn take(path: &Path) -> Result<Self, GitError> {
        let failed = |source| GitError::Cache {
            what: "take the lock",
            path: path.to_owned(),
            source,
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(GitError::Locked {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        std::fs::write(&path, "left behind by a process that was killed").unwrap();
        let held = Lock::take(&path).unwrap();
        assert!(matches!(Lock::take(&path), Err(GitError::Locked { .. })));
        let shared = held.0.try_clone().unwrap();
        drop(held);
        Lock::take(&path).unwrap();
        drop(shared);
    }
}
