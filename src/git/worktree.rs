//! Files as they are on disk: what the next commit of a working tree would hold.
//!
//! For people who write; what is deployed is read from commits.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository};

use super::names;
use crate::clock::Timestamp;
use crate::limits::{
    SNAPSHOT_BYTES_MAX, SNAPSHOT_DEPTH_MAX, SNAPSHOT_ENTRIES_MAX, SNAPSHOT_FILE_BYTES_MAX,
    SNAPSHOT_FILES_MAX,
};
use crate::snapshot::{File, Mode, Snapshot};

/// A file or folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read `{}`", path.display())]
pub struct ReadError {
    /// Which.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// The repository that `folder` is in: the nearest folder at or above it that is a working tree or
/// a bare repository.
pub fn root(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let found = folder
        .ancestors()
        .find(|one| one.join(".git").exists() || is_bare(one));
    found.map(Path::to_owned)
}

/// Whether `folder` is a repository without a working tree.
pub fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

/// The files below `folder`, with paths relative to it, as a commit of them would hold them: without
/// what Git ignores, where `folder` is in a working tree. Symbolic links are not followed; they,
/// and what is over a limit, are in `skipped`, as they are in the snapshot of a commit.
///
/// The snapshot's commit is what `HEAD` names, or forty zeros; its time is `now`.
pub fn snapshot(folder: &Path, now: Timestamp) -> Result<Snapshot, ReadError> {
    let folder = folder.canonicalize().map_err(|source| ReadError {
        path: folder.to_owned(),
        source,
    })?;
    let ignored = Ignored::of(&folder);
    let commit = ignored.head().unwrap_or(Oid::ZERO_SHA1);
    let mut walk = Walk {
        ignored,
        entries: 0,
        bytes: 0,
        files: BTreeMap::new(),
        skipped: BTreeMap::new(),
    };
    walk.folder(&folder, "", 0)?;
    Ok(Snapshot {
        commit: commit.into(),
        time: now,
        files: walk.files,
        skipped: walk.skipped,
    })
}

struct Walk {
    ignored: Ignored,
    entries: usize,
    bytes: u64,
    files: BTreeMap<String, File>,
    skipped: BTreeMap<String, String>,
}

impl Walk {
    /// Takes a folder's files, in order of name. `false`: a limit on the whole is reached.
    fn folder(&mut self, folder: &Path, path: &str, depth: usize) -> Result<bool, ReadError> {
        let failed = |source| ReadError {
            path: folder.to_owned(),
            source,
        };
        let entries = fs::read_dir(folder).map_err(failed)?;
        let mut names = BTreeSet::new();
        for entry in entries.take(SNAPSHOT_ENTRIES_MAX) {
            names.insert(entry.map_err(failed)?.file_name());
        }
        for name in names.iter().filter(|name| *name != ".git") {
            let bytes = name.as_encoded_bytes();
            let at = join(path, &names::shown(bytes));
            self.entries += 1;
            if self.files.len() >= SNAPSHOT_FILES_MAX || self.entries > SNAPSHOT_ENTRIES_MAX {
                let why = "this and all that follows is left out: over the limit of files";
                self.skipped.insert(at, why.to_owned());
                return Ok(false);
            }
            match names::component(bytes) {
                Err(why) => {
                    self.skipped.insert(at, why.to_owned());
                }
                Ok(name) => {
                    if !self.entry(&folder.join(name), join(path, name), depth)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    fn entry(&mut self, file: &Path, path: String, depth: usize) -> Result<bool, ReadError> {
        let failed = |source| ReadError {
            path: file.to_owned(),
            source,
        };
        let about = fs::symlink_metadata(file).map_err(failed)?;
        if self.ignored.is(file, about.is_dir()) {
            return Ok(true);
        }
        let why = if about.is_symlink() {
            "it is a symbolic link".to_owned()
        } else if about.is_dir() && file.join(".git").exists() {
            "it is a repository of its own".to_owned()
        } else if about.is_dir() && depth + 1 > SNAPSHOT_DEPTH_MAX {
            format!("deeper than {SNAPSHOT_DEPTH_MAX} folders")
        } else if about.is_dir() {
            return self.folder(file, &path, depth + 1);
        } else if !about.is_file() {
            "it is neither a file nor a folder".to_owned()
        } else if about.len() > SNAPSHOT_FILE_BYTES_MAX {
            let size = about.len();
            format!("it has {size} bytes, over the limit of {SNAPSHOT_FILE_BYTES_MAX} for one file")
        } else if self.bytes + about.len() > SNAPSHOT_BYTES_MAX {
            format!("over the limit of {SNAPSHOT_BYTES_MAX} bytes for all files together")
        } else {
            let taken = take(file, &about).map_err(failed)?;
            self.bytes += taken.bytes.len() as u64;
            self.files.insert(path, taken);
            return Ok(true);
        };
        self.skipped.insert(path, why);
        Ok(true)
    }
}

fn take(file: &Path, about: &fs::Metadata) -> io::Result<File> {
    let bytes = fs::read(file)?;
    let blob = Oid::hash_object(ObjectType::Blob, &bytes).map_err(io::Error::other)?;
    Ok(File {
        mode: mode(about),
        blob: blob.into(),
        bytes: bytes.into(),
    })
}

#[cfg(unix)]
fn mode(about: &fs::Metadata) -> Mode {
    use std::os::unix::fs::PermissionsExt as _;
    if about.permissions().mode() & 0o111 != 0 {
        Mode::Executable
    } else {
        Mode::Regular
    }
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> Mode {
    Mode::Regular
}

/// What Git ignores: nothing, outside of a working tree.
struct Ignored(Option<Tree>);

struct Tree {
    repository: Repository,
    folder: PathBuf,
    tracked: BTreeSet<PathBuf>,
}

impl Ignored {
    fn of(folder: &Path) -> Self {
        let tree = || {
            let repository = Repository::discover(folder).ok()?;
            let top = repository.workdir()?.canonicalize().ok()?;
            let paths = repository.index().ok()?;
            let paths = paths
                .iter()
                .filter_map(|entry| String::from_utf8(entry.path).ok());
            Some(Tree {
                tracked: paths.map(PathBuf::from).collect(),
                folder: top,
                repository,
            })
        };
        Self(tree())
    }

    fn head(&self) -> Option<Oid> {
        self.0.as_ref()?.repository.head().ok()?.target()
    }

    /// Whether a file or folder would not be part of a commit. What is tracked is, ignored or not.
    fn is(&self, file: &Path, is_folder: bool) -> bool {
        let Some(tree) = &self.0 else { return false };
        let Ok(path) = file.strip_prefix(&tree.folder) else {
            return false;
        };
        let mut from = tree.tracked.range(path.to_owned()..);
        if from.next().is_some_and(|next| next.starts_with(path)) {
            return false;
        }
        // Patterns that end in a slash are for folders, and the path has to say that it is one.
        let asked = if is_folder {
            path.join("")
        } else {
            path.to_owned()
        };
        tree.repository.is_path_ignored(asked).unwrap_or(false)
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::ObjectId;

    fn write(folder: &Path, path: &str, text: &str) {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn paths(folder: &Path) -> Vec<String> {
        let found = snapshot(folder, Timestamp::UNIX_EPOCH).unwrap();
        found.files.into_keys().collect()
    }

    #[test]
    fn the_files_are_those_that_a_commit_would_hold() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        write(folder.path(), ".gitignore", "/venv/\n*.log\nout/\n");
        write(folder.path(), "venv/lib/x.py", "x");
        write(folder.path(), "m/a.log", "x");
        write(folder.path(), "m/kept.log", "x");
        write(folder.path(), "m/out/x", "x");
        write(folder.path(), "m/config.yaml", "version: 1");
        write(folder.path(), "other/.git/HEAD", "x");
        let mut index = repository.index().unwrap();
        // Ignored, but added by hand: Git keeps it.
        index.add_path(Path::new("m/kept.log")).unwrap();
        index.write().unwrap();
        assert_eq!(
            paths(folder.path()),
            [".gitignore", "m/config.yaml", "m/kept.log"]
        );
        assert_eq!(paths(&folder.path().join("m")), ["config.yaml", "kept.log"]);
        assert_eq!(
            root(&folder.path().join("m")),
            folder.path().canonicalize().ok()
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_blobs_are_gits() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "hello\n");
        std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
        std::os::unix::fs::symlink("a", folder.path().join("b")).unwrap();
        let found = snapshot(folder.path(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(found.files.len(), 1);
        let hello = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert_eq!(found.files["a"].blob, ObjectId(hello.to_owned()));
        assert_eq!(found.skipped["b"], "it is a symbolic link");
        assert_eq!(found.skipped["etc"], "it is a symbolic link");
    }
}
