//! The files of a commit, read from the object store under limits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Odb, Oid, Tree};

use super::error::GitError;
use super::mirror::Mirror;
use super::names;
use crate::clock::Timestamp;
use crate::limits::{
    SNAPSHOT_BYTES_MAX, SNAPSHOT_DEPTH_MAX, SNAPSHOT_ENTRIES_MAX, SNAPSHOT_FILE_BYTES_MAX,
    SNAPSHOT_FILES_MAX,
};
use crate::snapshot::{File, Mode, ObjectId, Snapshot};

impl Mirror {
    /// The files of `commit`: all of them, or those at and below `folders` (paths of folders or
    /// files from the repository's root; the empty path is the root).
    ///
    /// Symbolic links, submodules, files over a limit and names that do not stay in their folder
    /// are in `skipped`, with the reason. Where a limit on the whole is reached, the rest in path
    /// order is left out, and `skipped` says so at the first path left out.
    ///
    /// Errors: [`GitError::NoCommit`], and [`GitError::Damaged`] where an object is missing or
    /// broken.
    pub fn snapshot(
        &self,
        commit: &ObjectId,
        folders: Option<&[&str]>,
    ) -> Result<Snapshot, GitError> {
        let commit = self.commit(commit)?;
        self.read(&commit, &Wanted::new(folders), Caps::DEFAULT)
    }

    /// The files of `base`, and those of `folder`, whose tree in the same commit is `tree`: what lies
    /// beside the folder is not looked at, however much it is. Limits as in [`Self::snapshot`].
    ///
    /// Errors: [`GitError::Damaged`] where an object is missing or broken.
    pub fn with_folder(
        &self,
        base: &Snapshot,
        folder: &str,
        tree: &ObjectId,
    ) -> Result<Snapshot, GitError> {
        let failed = |error| self.damage(error);
        let everything = Wanted::new(None);
        let mut walk = self.walk(&everything, Caps::DEFAULT)?;
        walk.bytes = base
            .files
            .values()
            .map(|file| file.bytes.len() as u64)
            .sum();
        (walk.files, walk.skipped) = (base.files.clone(), base.skipped.clone());
        let id = Oid::from_str(&tree.0).map_err(failed)?;
        let tree = self.repository.find_tree(id).map_err(failed)?;
        let depth = folder.split('/').filter(|step| !step.is_empty()).count();
        walk.folder(&tree, folder, depth).map_err(failed)?;
        Ok(Snapshot {
            commit: base.commit.clone(),
            time: base.time,
            files: walk.files,
            skipped: walk.skipped,
        })
    }

    /// The id of the folder or file at `path` in `commit` (the empty path: the whole tree), `None`
    /// where there is none. Equal ids are equal content: what to key caches by.
    pub fn id_at(&self, commit: &ObjectId, path: &str) -> Result<Option<ObjectId>, GitError> {
        let commit = self.commit(commit)?;
        Ok(self.oid_at(&commit, path)?.map(ObjectId::from))
    }

    pub(super) fn oid_at(
        &self,
        commit: &git2::Commit<'_>,
        path: &str,
    ) -> Result<Option<Oid>, GitError> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Ok(Some(commit.tree_id()));
        }
        let tree = commit.tree().map_err(|error| self.damage(error))?;
        match tree.get_path(path.as_ref()) {
            Ok(entry) => Ok(Some(entry.id())),
            // A missing entry, or a file where a folder would have to be.
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.damage(error)),
        }
    }

    pub(super) fn read(
        &self,
        commit: &git2::Commit<'_>,
        wanted: &Wanted,
        caps: Caps,
    ) -> Result<Snapshot, GitError> {
        let failed = |error| self.damage(error);
        let mut walk = self.walk(wanted, caps)?;
        let tree = commit.tree().map_err(failed)?;
        walk.folder(&tree, "", 0).map_err(failed)?;
        let seconds = commit.time().seconds();
        Ok(Snapshot {
            commit: commit.id().into(),
            time: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
            files: walk.files,
            skipped: walk.skipped,
        })
    }

    fn walk<'a>(&'a self, wanted: &'a Wanted, caps: Caps) -> Result<Walk<'a>, GitError> {
        Ok(Walk {
            mirror: self,
            odb: self.repository.odb().map_err(|error| self.damage(error))?,
            wanted,
            caps,
            entries: 0,
            bytes: 0,
            files: BTreeMap::new(),
            skipped: BTreeMap::new(),
        })
    }
}

/// The bounds of one snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    files: usize,
    file_bytes: u64,
    bytes: u64,
    depth: usize,
    entries: usize,
}

impl Caps {
    /// What [`crate::limits`] says.
    pub(super) const DEFAULT: Self = Self {
        files: SNAPSHOT_FILES_MAX,
        file_bytes: SNAPSHOT_FILE_BYTES_MAX,
        bytes: SNAPSHOT_BYTES_MAX,
        depth: SNAPSHOT_DEPTH_MAX,
        entries: SNAPSHOT_ENTRIES_MAX,
    };
}

/// Which paths are asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted(Option<Vec<String>>);

impl Wanted {
    /// All, or what is at and below these paths.
    pub(super) fn new(folders: Option<&[&str]>) -> Self {
        let trim = |folder: &&str| folder.trim_matches('/').to_owned();
        let folders: Option<Vec<_>> = folders.map(|all| all.iter().map(trim).collect());
        Self(folders.filter(|all| !all.iter().any(String::is_empty)))
    }

    /// Whether `path` is asked for itself.
    fn takes(&self, path: &str) -> bool {
        let Some(folders) = &self.0 else { return true };
        folders
            .iter()
            .any(|folder| path == folder || below(path, folder))
    }

    /// Whether something below the folder `path` may be asked for.
    fn enters(&self, path: &str) -> bool {
        let Some(folders) = &self.0 else { return true };
        self.takes(path) || folders.iter().any(|folder| below(folder, path))
    }
}

fn below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Stop,
}

struct Walk<'a> {
    mirror: &'a Mirror,
    odb: Odb<'a>,
    wanted: &'a Wanted,
    caps: Caps,
    entries: usize,
    bytes: u64,
    files: BTreeMap<String, File>,
    skipped: BTreeMap<String, String>,
}

impl Walk<'_> {
    fn folder(&mut self, tree: &Tree<'_>, path: &str, depth: usize) -> Result<Then, git2::Error> {
        let mut seen = BTreeSet::new();
        for entry in tree {
            let name = entry.name_bytes();
            let at = join(path, &String::from_utf8_lossy(name));
            if !self.wanted.enters(&at) {
                continue;
            }
            self.entries += 1;
            if let Some(limit) = self.full() {
                self.skip(
                    at,
                    format!("this and all that follows is left out: over {limit}"),
                );
                return Ok(Then::Stop);
            }
            if let Err(reason) = names::component(name) {
                self.skip(join(path, &names::shown(name)), reason);
            } else if !seen.insert(name.to_owned()) {
                self.skip(at, "its name is twice in its folder");
            } else if self.entry(&entry, at, depth)? == Then::Stop {
                return Ok(Then::Stop);
            }
        }
        Ok(Then::GoOn)
    }

    /// Which limit on the whole is reached, if one is.
    fn full(&self) -> Option<String> {
        if self.files.len() >= self.caps.files {
            return Some(format!("the limit of {} files", self.caps.files));
        }
        if self.entries > self.caps.entries {
            return Some(format!("the limit of {} entries", self.caps.entries));
        }
        None
    }

    fn entry(
        &mut self,
        entry: &git2::TreeEntry<'_>,
        path: String,
        depth: usize,
    ) -> Result<Then, git2::Error> {
        const KIND: i32 = 0o170_000;
        match entry.filemode_raw() & KIND {
            0o040_000 if depth + 1 > self.caps.depth => {
                let reason = format!("deeper than {} folders", self.caps.depth);
                self.skip(path, reason);
            }
            0o040_000 => {
                let tree = self.mirror.repository.find_tree(entry.id())?;
                return self.folder(&tree, &path, depth + 1);
            }
            _ if !self.wanted.takes(&path) => {}
            0o100_000 => self.file(entry, path)?,
            0o120_000 => self.skip(path, "it is a symbolic link"),
            0o160_000 => self.skip(path, "it is a submodule"),
            _ => self.skip(path, "it is neither a file nor a folder"),
        }
        Ok(Then::GoOn)
    }

    fn file(&mut self, entry: &git2::TreeEntry<'_>, path: String) -> Result<(), git2::Error> {
        let kept = self.mirror.blobs.borrow_mut().get(entry.id());
        let size = match &kept {
            Some(bytes) => bytes.len() as u64,
            None => self.odb.read_header(entry.id())?.0 as u64,
        };
        if size > self.caps.file_bytes {
            let limit = self.caps.file_bytes;
            self.skip(
                path,
                format!("it has {size} bytes, over the limit of {limit} for one file"),
            );
            return Ok(());
        }
        if self.bytes + size > self.caps.bytes {
            let limit = self.caps.bytes;
            self.skip(
                path,
                format!("over the limit of {limit} bytes for all files together"),
            );
            return Ok(());
        }
        let bytes = match kept {
            Some(bytes) => bytes,
            None => self.blob(entry.id())?,
        };
        self.bytes += size;
        let executable = entry.filemode_raw() & 0o111 != 0;
        let file = File {
            mode: if executable {
                Mode::Executable
            } else {
                Mode::Regular
            },
            blob: entry.id().into(),
            bytes,
        };
        self.files.insert(path, file);
        Ok(())
    }

    fn blob(&self, id: Oid) -> Result<Arc<[u8]>, git2::Error> {
        let object = self.odb.read(id)?;
        if object.kind() != ObjectType::Blob {
            return Err(git2::Error::new(
                ErrorCode::Invalid,
                git2::ErrorClass::Object,
                "a file's object is not a blob",
            ));
        }
        let bytes = Arc::<[u8]>::from(object.data());
        self.mirror.blobs.borrow_mut().keep(id, &bytes);
        Ok(bytes)
    }

    fn skip(&mut self, path: String, reason: impl Into<String>) {
        self.skipped.insert(path, reason.into());
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

    /// A mirror that holds one commit with these files, and what a snapshot of it says.
    fn check(files: &[(&str, &str)], wanted: Option<&[&str]>, caps: Caps) -> Snapshot {
        with(files, |mirror, commit| {
            let commit = mirror.repository.find_commit(commit).unwrap();
            mirror.read(&commit, &Wanted::new(wanted), caps).unwrap()
        })
    }

    /// Does something with a mirror that holds one commit with these files.
    fn with<T>(files: &[(&str, &str)], act: impl FnOnce(&Mirror, Oid) -> T) -> T {
        let cache = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(cache.path(), "/nowhere".parse().unwrap()).unwrap();
        let repository = &mirror.repository;
        let empty = repository.treebuilder(None).unwrap().write().unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, text) in files {
            let blob = repository.blob(text.as_bytes()).unwrap();
            update.upsert(*path, blob, git2::FileMode::Blob);
        }
        let base = repository.find_tree(empty).unwrap();
        let tree = update.create_updated(repository, &base).unwrap();
        let tree = repository.find_tree(tree).unwrap();
        let who = git2::Signature::new("a", "a@b", &git2::Time::new(7, 60)).unwrap();
        let commit = repository
            .commit(None, &who, &who, "x", &tree, &[])
            .unwrap();
        act(&mirror, commit)
    }

    fn paths(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.files.keys().map(String::as_str).collect()
    }

    const FILES: &[(&str, &str)] = &[
        ("models/a/config.yaml", "12345"),
        ("models/a/src/train.py", "123"),
        ("models/ab/config.yaml", "1"),
        ("presets/cpu.yaml", ""),
        ("trueup.yaml", "12"),
    ];

    #[test]
    fn all_or_what_is_asked_for() {
        let all = check(FILES, None, Caps::DEFAULT);
        assert_eq!(all.files.len(), 5);
        assert_eq!(all.text("trueup.yaml"), Some("12"));
        assert_eq!(all.time, Timestamp::from_second(7).unwrap());
        assert_eq!(check(FILES, Some(&[""]), Caps::DEFAULT).files.len(), 5);
        let some = check(
            FILES,
            Some(&["models/a/", "trueup.yaml", "gone"]),
            Caps::DEFAULT,
        );
        let expected = [
            "models/a/config.yaml",
            "models/a/src/train.py",
            "trueup.yaml",
        ];
        assert_eq!(paths(&some), expected);
        assert!(some.skipped.is_empty());
    }

    #[test]
    fn a_folder_whose_tree_is_known_is_read_as_if_it_was_looked_for() {
        with(FILES, |mirror, commit| {
            let commit = ObjectId::from(commit);
            let shared = mirror.snapshot(&commit, Some(&["trueup.yaml", "presets"]));
            let shared = shared.unwrap();
            for folder in ["models/a", ""] {
                let tree = mirror.id_at(&commit, folder).unwrap().unwrap();
                let all = ["trueup.yaml", "presets", folder];
                let looked_for = mirror.snapshot(&commit, Some(&all)).unwrap();
                let known = mirror.with_folder(&shared, folder, &tree).unwrap();
                assert_eq!(known, looked_for);
            }
        });
    }

    #[test]
    fn every_limit_is_kept_and_told() {
        let told = |caps, path: &str, files: usize, reason: &str| {
            let snapshot = check(FILES, None, caps);
            assert_eq!(snapshot.files.len(), files, "{reason}");
            let said = &snapshot.skipped[path];
            assert!(said.contains(reason), "{said}");
        };
        let caps = Caps::DEFAULT;
        told(
            Caps { files: 2, ..caps },
            "models/ab",
            2,
            "limit of 2 files",
        );
        told(
            Caps { entries: 4, ..caps },
            "models/a/src/train.py",
            1,
            "limit of 4 entries",
        );
        told(
            Caps {
                file_bytes: 4,
                ..caps
            },
            "models/a/config.yaml",
            4,
            "limit of 4 for one",
        );
        told(
            Caps { bytes: 8, ..caps },
            "trueup.yaml",
            3,
            "limit of 8 bytes",
        );
        told(
            Caps { depth: 2, ..caps },
            "models/a/src",
            4,
            "deeper than 2 folders",
        );
    }
}
