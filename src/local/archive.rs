//! `tar.gz` archives, in and out: the same folder always gives the same bytes, and nothing that is
//! unpacked leaves the folder it is unpacked to.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::limits::{ARCHIVE_BYTES_MAX, ARCHIVE_ENTRIES_MAX};

/// Why an archive could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    /// A file could not be read or written.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A member would leave the folder, or is a link or a device.
    #[error("{archive} has a member that is not unpacked: {member} ({reason})")]
    Unsafe {
        /// The archive.
        archive: PathBuf,
        /// The member's name.
        member: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is larger than what is unpacked here.
    #[error("{0} unpacks to more than {ARCHIVE_BYTES_MAX} bytes or {ARCHIVE_ENTRIES_MAX} files")]
    TooLarge(PathBuf),
}

fn io_error<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> ArchiveError + 'a {
    move |source| ArchiveError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// Packs the files below `folder` into the new file `archive`, with paths relative to `folder`, in
/// the order of their names, without times and owners. A symbolic link is packed as the file that
/// it leads to, if that lies in `folder` too, and left out otherwise.
///
/// # Errors
/// When a file cannot be read or the archive not be written.
pub(super) fn pack(folder: &Path, archive: &Path) -> Result<(), ArchiveError> {
    let root = folder
        .canonicalize()
        .map_err(io_error("open the folder", folder))?;
    let file = File::create(archive).map_err(io_error("create", archive))?;
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(BufWriter::new(file), Compression::new(6));
    let mut builder = Builder::new(gzip);
    for (name, path) in files_below(&root)? {
        append(&mut builder, &name, &path)?;
    }
    builder
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .and_then(|mut out| out.flush())
        .map_err(io_error("write", archive))
}

fn append(
    builder: &mut Builder<impl io::Write>,
    name: &str,
    path: &Path,
) -> Result<(), ArchiveError> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = File::open(path).map_err(io_error("open", path))?;
    let about = file.metadata().map_err(io_error("read", path))?;
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(about.len());
    header.set_mode(if about.permissions().mode() & 0o100 == 0 {
        0o644
    } else {
        0o755
    });
    header.set_mtime(0);
    builder
        .append_data(&mut header, name, io::Read::take(file, about.len()))
        .map_err(io_error("pack", path))
}

/// The files below `root` (which is canonical), sorted by their `/`-separated relative names.
///
/// # Errors
/// When a folder cannot be read, or there are more than [`ARCHIVE_ENTRIES_MAX`] files.
pub(super) fn files_below(root: &Path) -> Result<Vec<(String, PathBuf)>, ArchiveError> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    let mut seen = 0;
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(io_error("list", &folder))? {
            let entry = entry.map_err(io_error("list", &folder))?;
            seen += 1;
            if seen > ARCHIVE_ENTRIES_MAX {
                return Err(ArchiveError::TooLarge(root.to_owned()));
            }
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let (path, name) = (entry.path(), format!("{prefix}{name}"));
            let kind = entry.file_type().map_err(io_error("read", &path))?;
            if kind.is_dir() {
                folders.push((path, format!("{name}/")));
            } else if kind.is_file() {
                found.push((name, path));
            } else if kind.is_symlink()
                && let Ok(target) = path.canonicalize()
                && target.starts_with(root)
                && target.is_file()
            {
                found.push((name, target));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Unpacks `archive` into `folder`, which is created. Members with absolute paths or `..`, links
/// and devices are refused, and so is an archive over the limits.
///
/// # Errors
/// See [`ArchiveError`]; what was unpacked before stays.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<(), ArchiveError> {
    let file = File::open(archive).map_err(io_error("open", archive))?;
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    fs::create_dir_all(folder).map_err(io_error("create", folder))?;
    let (mut bytes, mut count) = (0_u64, 0_usize);
    for entry in tar.entries().map_err(io_error("read", archive))? {
        let mut entry = entry.map_err(io_error("read", archive))?;
        count += 1;
        bytes = bytes.saturating_add(entry.size());
        if bytes > ARCHIVE_BYTES_MAX || count > ARCHIVE_ENTRIES_MAX {
            return Err(ArchiveError::TooLarge(archive.to_owned()));
        }
        let name = entry
            .path()
            .map_err(io_error("read", archive))?
            .into_owned();
        let refuse = |reason| ArchiveError::Unsafe {
            archive: archive.to_owned(),
            member: name.display().to_string(),
            reason,
        };
        let relative = inside(&name).ok_or_else(|| refuse("its path leaves the folder"))?;
        let target = folder.join(relative);
        match entry.header().entry_type() {
            EntryType::Directory => {
                fs::create_dir_all(&target).map_err(io_error("create", &target))?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                write_member(&mut entry, &target)?;
            }
            EntryType::XGlobalHeader => {}
            _ => return Err(refuse("it is a link or a device")),
        }
    }
    Ok(())
}

fn write_member(
    entry: &mut tar::Entry<'_, impl io::Read>,
    target: &Path,
) -> Result<(), ArchiveError> {
    use std::os::unix::fs::PermissionsExt as _;
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    let mut file = File::create(target).map_err(io_error("create", target))?;
    io::copy(entry, &mut file).map_err(io_error("write", target))?;
    let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(fs::Permissions::from_mode(mode))
        .map_err(io_error("write", target))
}

/// A relative path without `..`; `.` is dropped. `None` for any other.
pub(super) fn inside(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with one member, whose name is written as it is.
    fn archive(at: &Path, name: &str, kind: EntryType) {
        let gzip = GzBuilder::new().write(File::create(at).unwrap(), Compression::fast());
        let mut builder = Builder::new(gzip);
        let mut header = Header::new_old();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(2);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, &b"hi"[..]).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn members_stay_in_the_folder() {
        let check = |name: &str, kind, expected: Result<&str, &str>| {
            let dir = tempfile::tempdir().unwrap();
            let (from, to) = (dir.path().join("a.tar.gz"), dir.path().join("to/here"));
            archive(&from, name, kind);
            match (unpack(&from, &to), expected) {
                (Ok(()), Ok(path)) => assert_eq!(fs::read(to.join(path)).unwrap(), b"hi"),
                (Err(error), Err(text)) => {
                    assert!(error.to_string().contains(text), "{error}");
                    assert!(!dir.path().join("evil").exists());
                }
                (found, wanted) => panic!("{name}: {found:?} for {wanted:?}"),
            }
        };
        check("a/b.txt", EntryType::Regular, Ok("a/b.txt"));
        check("./a.txt", EntryType::Regular, Ok("a.txt"));
        check("../../evil", EntryType::Regular, Err("leaves the folder"));
        check("a/../../evil", EntryType::Regular, Err("leaves the folder"));
        check("/tmp/evil", EntryType::Regular, Err("leaves the folder"));
        check("link", EntryType::Symlink, Err("link or a device"));
        check("link", EntryType::Link, Err("link or a device"));
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let packed = |folder: &str, order: [&str; 3]| {
            let root = dir.path().join(folder);
            fs::create_dir_all(root.join("sub")).unwrap();
            for name in order {
                fs::write(root.join(name), name).unwrap();
            }
            std::os::unix::fs::symlink("/etc/passwd", root.join("outside")).unwrap();
            let to = dir.path().join(format!("{folder}.tar.gz"));
            pack(&root, &to).unwrap();
            fs::read(to).unwrap()
        };
        let one = packed("one", ["b", "sub/c", "a"]);
        let two = packed("two", ["sub/c", "a", "b"]);
        assert_eq!(one, two);

        let back = dir.path().join("back");
        unpack(&dir.path().join("one.tar.gz"), &back).unwrap();
        assert_eq!(fs::read(back.join("sub/c")).unwrap(), b"sub/c");
        assert!(!back.join("outside").exists());
    }
}
