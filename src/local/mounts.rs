//! What a child sees as `/opt/ml`, mounted by its supervisor in a namespace of their own.
//!
//! Nothing outside of that namespace changes, and it goes with its last process.

use std::io;
use std::path::Path;

/// Lets `folder` be seen as `/opt/ml` by this process and its children. It must have mounts of its
/// own, and the right to mount; the children are not given that right.
///
/// # Errors
/// Those of the kernel, and [`io::ErrorKind::Unsupported`] where it is not Linux.
#[cfg(target_os = "linux")]
pub(super) fn opt_ml(folder: &Path) -> io::Result<()> {
    linux::opt_ml(folder)
}

/// Lets `folder` be seen as `/opt/ml` by this process and its children.
///
/// # Errors
/// Always: only Linux has namespaces.
#[cfg(not(target_os = "linux"))]
pub(super) fn opt_ml(_folder: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{CString, OsString};
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use rustix::mount::{MountFlags, mount, mount_bind_recursive};
    use rustix::thread::clear_ambient_capability_set;

    use crate::limits::{OPT_BYTES_MAX, OPT_ENTRIES_MAX};
    use crate::local::paths::CONTAINER_ROOT;

    const OPT: &str = "/opt";

    /// The host may have no `/opt/ml`, and none is to be made there: what is in `/opt` is mounted
    /// again over an empty file system, and the folder beside it.
    pub(super) fn opt_ml(folder: &Path) -> io::Result<()> {
        let opt = Path::new(OPT);
        // Covered by what is mounted next, and reached through this all the same.
        let covered = File::open(opt)?;
        let names = names(opt, OPT_ENTRIES_MAX)?;
        let options = CString::new(format!("mode=0755,size={OPT_BYTES_MAX}"))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount("tmpfs", OPT, "tmpfs", flags, options.as_c_str())?;
        let covered = PathBuf::from(format!("/proc/self/fd/{}", covered.as_raw_fd()));
        for name in names {
            let seen = opt.join(&name);
            if seen != Path::new(CONTAINER_ROOT) {
                again(&covered.join(&name), &seen)?;
            }
        }
        fs::create_dir(CONTAINER_ROOT)?;
        mount_bind_recursive(folder, CONTAINER_ROOT)?;
        // What let this process mount is passed on to children otherwise.
        Ok(clear_ambient_capability_set()?)
    }

    fn again(from: &Path, to: &Path) -> io::Result<()> {
        let kind = fs::symlink_metadata(from)?.file_type();
        if kind.is_symlink() {
            return symlink(fs::read_link(from)?, to);
        }
        if kind.is_dir() {
            fs::create_dir(to)?;
        } else {
            File::create_new(to)?;
        }
        Ok(mount_bind_recursive(from, to)?)
    }

    fn names(folder: &Path, most: usize) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(folder)?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        let names: Vec<OsString> = names.take(most + 1).collect::<io::Result<_>>()?;
        if names.len() > most {
            let words = format!("more than {most} entries in {}", folder.display());
            return Err(io::Error::other(words));
        }
        Ok(names)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn entries_are_counted() {
            let folder = tempfile::tempdir().unwrap();
            for name in 0..OPT_ENTRIES_MAX {
                File::create(folder.path().join(name.to_string())).unwrap();
            }
            let found = names(folder.path(), OPT_ENTRIES_MAX).unwrap();
            assert_eq!(found.len(), OPT_ENTRIES_MAX);
            File::create(folder.path().join("more")).unwrap();
            let error = names(folder.path(), OPT_ENTRIES_MAX).unwrap_err();
            assert!(error.to_string().contains("more than"), "{error}");
        }
    }
}
