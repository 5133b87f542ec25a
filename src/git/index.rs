//! Where a commit's folders of a kind are, and what each of them is, without reading a file.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Tree};

use super::error::GitError;
use super::mirror::Mirror;
use super::names;
use crate::limits::{SNAPSHOT_DEPTH_MAX, SNAPSHOT_ENTRIES_MAX};
use crate::snapshot::{ObjectId, below, glob};

/// The folders of one commit that hold a file of some pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Folder to the id of its tree: equal ids are equal content.
    pub folders: BTreeMap<String, ObjectId>,
    /// Paths that match and cannot be read, or where the search ended, and why.
    pub skipped: BTreeMap<String, String>,
}

impl Mirror {
    /// The folders of `commit` that hold a file of `pattern` (`*`: anything within a step, `**`:
    /// any number of steps), and the root if it holds a file of that name. Folders that are as `before` knew them are not opened.
    ///
    /// Errors: [`GitError::NoCommit`], and [`GitError::Damaged`] where an object is missing or
    /// broken.
    pub fn index(
        &self,
        commit: &ObjectId,
        pattern: &str,
        before: &Index,
    ) -> Result<Index, GitError> {
        let commit = self.commit(commit)?;
        let steps: Vec<_> = pattern.split('/').collect();
        let mut search = Search {
            mirror: self,
            before,
            found: Index::default(),
            entries: 0,
        };
        let tree = commit.tree().map_err(|error| self.damage(error))?;
        let (last, steps) = steps.split_last().expect("a split has at least one part");
        search.file(&tree, "", last);
        let within = search.folder(&tree, "", steps, last);
        within.map_err(|error| self.damage(error))?;
        Ok(search.found)
    }
}

struct Search<'a> {
    mirror: &'a Mirror,
    before: &'a Index,
    found: Index,
    entries: usize,
}

impl Search<'_> {
    /// Looks in a folder: for the file `last` where no steps are left, else in its folders.
    fn folder(
        &mut self,
        tree: &Tree<'_>,
        path: &str,
        steps: &[&str],
        last: &str,
    ) -> Result<(), git2::Error> {
        let Some((step, rest)) = steps.split_first() else {
            self.file(tree, path, last);
            return Ok(());
        };
        if *step == "**" {
            self.folder(tree, path, rest, last)?;
        }
        if path.split('/').count() > SNAPSHOT_DEPTH_MAX {
            self.skip(path, format!("deeper than {SNAPSHOT_DEPTH_MAX} folders"));
            return Ok(());
        }
        for entry in tree {
            self.entries += 1;
            if self.entries > SNAPSHOT_ENTRIES_MAX {
                let why = format!("the search ends here: over {SNAPSHOT_ENTRIES_MAX} entries");
                self.skip(path, why);
                return Ok(());
            }
            let (name, id) = (entry.name_bytes(), entry.id());
            let is_folder = entry.kind() == Some(ObjectType::Tree);
            if !is_folder || names::component(name).is_err() {
                continue;
            }
            let name = String::from_utf8_lossy(name);
            let at = below(path, &name);
            if *step == "**" {
                self.open(id, &at, steps, last)?;
            } else if glob::matches(step, &name) {
                self.open(id, &at, rest, last)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, id: Oid, path: &str, steps: &[&str], last: &str) -> Result<(), git2::Error> {
        let before = self.before.folders.get(path).filter(|_| steps.is_empty());
        if let Some(known) = before.filter(|known| is(known, id)) {
            self.found.folders.insert(path.to_owned(), known.clone());
            return Ok(());
        }
        let tree = self.mirror.repository.find_tree(id)?;
        self.folder(&tree, path, steps, last)
    }

    fn file(&mut self, tree: &Tree<'_>, path: &str, last: &str) {
        let Some(entry) = tree.get_name(last) else {
            return;
        };
        match entry.filemode_raw() & 0o170_000 {
            0o100_000 => {
                self.found.folders.insert(path.to_owned(), tree.id().into());
            }
            0o120_000 => self.skip(&below(path, last), "it is a symbolic link".to_owned()),
            0o160_000 => self.skip(&below(path, last), "it is a submodule".to_owned()),
            _ => {}
        }
    }

    fn skip(&mut self, path: &str, why: String) {
        self.found.skipped.insert(path.to_owned(), why);
    }
}

/// Whether an id is this one, without writing it out: nearly all folders of a commit are asked.
fn is(known: &ObjectId, id: Oid) -> bool {
    let (digits, rest) = known.0.as_bytes().as_chunks::<2>();
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
    rest.is_empty()
        && digits.len() == id.as_bytes().len()
        && digits
            .iter()
            .zip(id.as_bytes())
            .all(|(two, byte)| *two == [digit(byte >> 4), digit(byte & 15)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_by_its_digits() {
        let check = |known: &str, id: &str, same| {
            let (known, id) = (ObjectId(known.to_owned()), Oid::from_str(id).unwrap());
            assert_eq!(is(&known, id), same, "{known:?} {id}");
        };
        let id = "0123456789abcdef0123456789abcdef01234567";
        check(id, id, true);
        check(&id[..38], id, false);
        check(&id[..39], id, false);
        check(id, "0123456789abcdef0123456789abcdef01234566", false);
    }

    /// A commit with these files, and the folders that `pattern` finds in it.
    fn check(files: &[(&str, i32)], pattern: &str, expect: &[&str]) -> Index {
        let cache = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(cache.path(), "/nowhere".parse().unwrap()).unwrap();
        let repository = &mirror.repository;
        let empty = repository.treebuilder(None).unwrap().write().unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, mode) in files {
            let blob = repository.blob(path.as_bytes()).unwrap();
            let mode = match mode {
                120 => git2::FileMode::Link,
                _ => git2::FileMode::Blob,
            };
            update.upsert(*path, blob, mode);
        }
        let base = repository.find_tree(empty).unwrap();
        let tree = update.create_updated(repository, &base).unwrap();
        let tree = repository.find_tree(tree).unwrap();
        let who = git2::Signature::new("a", "a@b", &git2::Time::new(7, 60)).unwrap();
        let commit = repository.commit(None, &who, &who, "x", &tree, &[]);
        let commit = ObjectId::from(commit.unwrap());
        let index = mirror.index(&commit, pattern, &Index::default()).unwrap();
        assert_eq!(index.folders.keys().collect::<Vec<_>>(), expect);
        for (folder, id) in &index.folders {
            assert_eq!(mirror.id_at(&commit, folder).unwrap().as_ref(), Some(id));
        }
        assert_eq!(mirror.index(&commit, pattern, &index).unwrap(), index);
        index
    }

    #[test]
    fn folders_are_found_by_pattern_and_known_by_their_trees() {
        let files = &[
            ("config.yaml", 100),
            ("models/a/config.yaml", 100),
            ("models/a/src/config.yaml", 100),
            ("models/b/other.yaml", 100),
            ("other/c/config.yaml", 100),
        ];
        check(files, "models/*/config.yaml", &["", "models/a"]);
        check(files, "config.yaml", &[""]);
        check(
            files,
            "models/**/config.yaml",
            &["", "models/a", "models/a/src"],
        );
        let all = ["", "models/a", "models/a/src", "other/c"];
        check(files, "**/config.yaml", &all);
        check(files, "*/c/config.yaml", &["", "other/c"]);
        check(files, "nothing/*/config.yaml", &[""]);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let files = &[("models/a/config.yaml", 120), ("models/b/config.yaml", 100)];
        let index = check(files, "models/*/config.yaml", &["models/b"]);
        assert_eq!(
            index.skipped["models/a/config.yaml"],
            "it is a symbolic link"
        );
    }
}
