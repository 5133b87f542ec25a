//! A locked file, by which a process shows to those after it on the same machine that it has ended.

use std::fs::{self, File};
use std::path::Path;

use crate::resource::canonical::sha256;

/// What only one living process has: the operating system drops the lock with the process, however
/// that ends. Its name says which kernel since which start, and which file: a copy of the folder, on
/// this machine or another, is another place.
#[derive(Debug)]
pub(super) struct Place {
    name: String,
    file: File,
}

impl Drop for Place {
    /// Closing would do, but for a child process that is being started at this very moment: it
    /// shares the open file until it runs its own program.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "a lease's lock could not be released");
        }
    }
}

impl Place {
    /// Takes the place of a lease at once, or not at all: where another process has it, or where
    /// there is no telling.
    pub(super) fn take(folder: &Path, lease: &str) -> Option<Self> {
        let folder = folder.join("leases");
        fs::create_dir_all(&folder).ok()?;
        let path = folder.join(format!("{}.lock", &sha256(lease.as_bytes())[..16]));
        let file = File::options().create(true).append(true).open(path).ok()?;
        file.try_lock().ok()?;
        let name = name(&file)?;
        Some(Self { name, file })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The kernel's own name for its start, and the file's for itself. Elsewhere than on Linux there is
/// none: then a lease is waited for.
#[cfg(target_os = "linux")]
fn name(file: &File) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let file = file.metadata().ok()?;
    Some(format!("{} {}:{}", boot.trim(), file.dev(), file.ino()))
}

#[cfg(not(target_os = "linux"))]
fn name(_: &File) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_process_at_a_time_and_no_other_file_is_it() {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let take = |folder: &Path, lease| Place::take(folder, lease);
        let first = take(folder.path(), "s3://b/k").unwrap();
        assert!(take(folder.path(), "s3://b/k").is_none(), "it is taken");
        let other = take(folder.path(), "s3://b/other").unwrap();
        let copied = take(copy.path(), "s3://b/k").unwrap();
        assert_ne!(first.name(), other.name());
        assert_ne!(first.name(), copied.name());
        let name = first.name().to_owned();
        drop(first);
        assert_eq!(take(folder.path(), "s3://b/k").unwrap().name(), name);
    }
}
