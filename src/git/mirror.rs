//! A bare copy of one source, below a cache folder.
//!
//! `<cache>/<key>.lock` keeps other writers out, `<cache>/<key>.git` is the repository. Both may be
//! deleted while nobody uses them; a repository that does not open is fetched anew.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{Oid, Repository};

use super::blobs::Blobs;
use super::error::{self, GitError};
use super::gpg;
use super::lock::Lock;
use super::remote::Bounds;
use super::source::Source;
use crate::limits::{BLOB_CACHE_BYTES_MAX, MIRROR_PACKS_MAX};
use crate::snapshot::ObjectId;

/// A bare copy of one source, with exclusive access to it. `Send`, not `Sync`: one task at a time.
pub struct Mirror {
    pub(super) source: Source,
    pub(super) path: PathBuf,
    pub(super) repository: Repository,
    pub(super) blobs: RefCell<Blobs>,
    /// An object was missing or broken: the next fetch starts anew.
    pub(super) damaged: Cell<bool>,
    pub(super) bounds: Bounds,
    /// `None`: it is another's, and is only read.
    lock: Option<Lock>,
}

/// Where the branch that decides was when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Its newest commit.
    pub tip: ObjectId,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror")
            .field("source", &self.source)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Mirror {
    /// Opens the mirror of `source` below the folder `cache`, creating both where they are missing.
    /// Does not ask the remote anything.
    ///
    /// Errors: [`GitError::Locked`] where another writer has it, [`GitError::Cache`] and
    /// [`GitError::Mirror`] where the folder cannot be written.
    pub fn open(cache: &Path, source: Source) -> Result<Self, GitError> {
        fs::create_dir_all(cache).map_err(tried("create the cache folder", cache))?;
        // It grows to hundreds of megabytes with trees that are read once.
        git2::opts::enable_caching(false);
        let key = source.key();
        let lock = Lock::take(&cache.join(format!("{key}.lock")))?;
        let path = cache.join(format!("{key}.git"));
        remove_litter(&path)?;
        let repository = match open_bare(&path) {
            Ok(repository) => repository,
            Err(error) => match error::machine(&source, &error) {
                Some(machine) => return Err(machine),
                None => create(&path, &source)?,
            },
        };
        Ok(Self::of(source, path, repository, Some(lock)))
    }

    /// Opens the mirror of `source` below the folder `cache` to read what is there, whoever writes it
    /// meanwhile: it neither fetches nor commits. `None` where there is none that can be opened.
    pub fn open_to_read(cache: &Path, source: Source) -> Option<Self> {
        let path = cache.join(format!("{}.git", source.key()));
        let repository = open_bare(&path).ok()?;
        Some(Self::of(source, path, repository, None))
    }

    fn of(source: Source, path: PathBuf, repository: Repository, lock: Option<Lock>) -> Self {
        Self {
            source,
            path,
            repository,
            blobs: RefCell::new(Blobs::new(BLOB_CACHE_BYTES_MAX)),
            damaged: Cell::new(false),
            bounds: Bounds::DEFAULT,
            lock,
        }
    }

    /// That this mirror is ours to write.
    pub(super) fn writable(&self) -> Result<(), GitError> {
        let path = self.path.with_extension("lock");
        self.lock
            .as_ref()
            .map(drop)
            .ok_or(GitError::Locked { path })
    }

    /// Where the branch that decides was when it was last fetched; `None` where it never was.
    pub fn last_known(&self) -> Result<Option<Known>, GitError> {
        let failed = |error| self.damage(error);
        let branch = match &self.source.branch {
            Some(branch) => Some(branch.clone()),
            None => self.head().map_err(failed)?,
        };
        let mut known = self.known().map_err(failed)?;
        Ok(branch.and_then(|branch| {
            let tip = known.remove(&branch)?.into();
            Some(Known { branch, tip })
        }))
    }

    /// The branch that the mirror's `HEAD` names.
    fn head(&self) -> Result<Option<String>, git2::Error> {
        let head = self.repository.find_reference("HEAD")?;
        let target = head.symbolic_target().ok().flatten();
        let branch = target.and_then(|target| target.strip_prefix("refs/heads/"));
        Ok(branch.map(str::to_owned))
    }

    /// Notes which branch decides: whoever reads the mirror while the remote is away asks.
    pub(super) fn keep_head(&self, branch: &str) -> Result<(), git2::Error> {
        if self.head()?.as_deref() == Some(branch) {
            return Ok(());
        }
        self.repository.set_head(&full(branch))
    }

    /// The same, with another deadline for each conversation with the remote.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.bounds.deadline = deadline;
        self
    }

    /// What it is a mirror of.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether `tip` is `ancestor` or has it in its history. `false` also where one of them is not
    /// a commit that the mirror has.
    pub fn contains(&self, tip: &ObjectId, ancestor: &ObjectId) -> bool {
        let (Ok(tip), Ok(ancestor)) = (self.commit(tip), self.commit(ancestor)) else {
            return false;
        };
        let (tip, ancestor) = (tip.id(), ancestor.id());
        tip == ancestor
            || self
                .repository
                .graph_descendant_of(tip, ancestor)
                .unwrap_or(false)
    }

    /// The commit with this id.
    pub(super) fn commit(&self, id: &ObjectId) -> Result<git2::Commit<'_>, GitError> {
        let missing = || GitError::NoCommit {
            url: self.source.url.clone(),
            commit: id.0.escape_debug().to_string(),
        };
        let oid = Oid::from_str(&id.0).map_err(|_| missing())?;
        let object = self.repository.find_object(oid, None);
        match object.map(git2::Object::into_commit) {
            Ok(Ok(commit)) => Ok(commit),
            Ok(Err(_)) => Err(missing()),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Err(missing()),
            Err(error) => Err(self.damage(error)),
        }
    }

    /// Notes that an object is missing or broken.
    pub(super) fn damage(&self, error: git2::Error) -> GitError {
        let failed = error::object(&self.source, error);
        self.damaged.set(self.damaged.get() || failed.is_damage());
        failed
    }

    /// Branch to tip, as last fetched.
    pub(super) fn known(&self) -> Result<BTreeMap<String, Oid>, git2::Error> {
        let mut known = BTreeMap::new();
        for reference in self.repository.references_glob("refs/heads/*")? {
            let reference = reference?;
            let name = reference
                .name()
                .ok()
                .and_then(|name| name.strip_prefix("refs/heads/"));
            if let (Some(name), Some(tip)) = (name, reference.target()) {
                known.insert(name.to_owned(), tip);
            }
        }
        Ok(known)
    }

    /// Makes the branches what the remote's are. Those that went go first: a name may become a
    /// folder of names.
    pub(super) fn move_branches(
        &self,
        known: &BTreeMap<String, Oid>,
        now: &BTreeMap<String, Oid>,
    ) -> Result<(), git2::Error> {
        for name in known.keys().filter(|name| !now.contains_key(*name)) {
            self.repository.find_reference(&full(name))?.delete()?;
        }
        for (name, tip) in now
            .iter()
            .filter(|(name, tip)| known.get(*name) != Some(tip))
        {
            self.repository
                .reference(&full(name), *tip, true, "fetch")?;
        }
        Ok(())
    }

    /// Starts anew, with nothing fetched.
    pub(super) fn recreate(&mut self) -> Result<(), GitError> {
        tracing::warn!(source = %self.source, "the mirror is damaged and is fetched anew");
        self.repository = create(&self.path, &self.source)?;
        self.damaged.set(false);
        Ok(())
    }

    /// Makes one pack of many: each fetch adds one, and each look goes through all.
    pub(super) fn pack_if_many(&mut self) -> Result<(), GitError> {
        let folder = self.path.join("objects/pack");
        let old = packs(&folder).map_err(tried("list", &folder))?;
        if old.len() <= MIRROR_PACKS_MAX {
            return Ok(());
        }
        let new = self
            .write_pack(&folder)
            .map_err(|error| self.damage(error))?;
        for pack in old.iter().filter(|pack| **pack != new) {
            // The index first: a pack without one is not looked at.
            for extension in ["idx", "pack"] {
                let path = folder.join(pack).with_extension(extension);
                fs::remove_file(&path).map_err(tried("remove", &path))?;
            }
        }
        self.repository = open_bare(&self.path).map_err(|error| GitError::Mirror {
            what: "open",
            url: self.source.url.clone(),
            source: error,
        })?;
        Ok(())
    }

    /// Writes all that the branches reach as one pack and gives its file name.
    fn write_pack(&self, folder: &Path) -> Result<String, git2::Error> {
        let mut walk = self.repository.revwalk()?;
        walk.push_glob("refs/heads/*")?;
        let mut builder = self.repository.packbuilder()?;
        builder.insert_walk(&mut walk)?;
        builder.write(folder, 0)?;
        Ok(format!("pack-{}.pack", builder.name()?.unwrap_or_default()))
    }
}

/// A branch's whole name.
pub(super) fn full(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// Turns an I/O error into one that says what was tried on what.
fn tried(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GitError {
    let path = path.to_owned();
    move |source| GitError::Cache { what, path, source }
}

fn open_bare(path: &Path) -> Result<Repository, git2::Error> {
    let repository = Repository::open_bare(path)?;
    // Reading the refs finds what opening does not: a broken `packed-refs`, a missing `objects`.
    repository
        .references()?
        .try_for_each(|one| one.map(|_| ()))?;
    repository.odb()?;
    Ok(repository)
}

/// An empty bare repository at `path`, in place of what is there. It appears whole or not at all.
fn create(path: &Path, source: &Source) -> Result<Repository, GitError> {
    let fresh = path.with_extension("new");
    for old in [&fresh, path] {
        let removed = match fs::symlink_metadata(old) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(old),
            Ok(_) => fs::remove_file(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        removed.map_err(tried("remove", old))?;
    }
    let failed = |what| {
        let url = source.url.clone();
        move |source| GitError::Mirror { what, url, source }
    };
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).mkpath(true).external_template(false);
    drop(Repository::init_opts(&fresh, &options).map_err(failed("create"))?);
    fs::rename(&fresh, path).map_err(tried("put in place", path))?;
    open_bare(path).map_err(failed("open"))
}

/// The packs in a folder, by file name.
fn packs(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "pack")
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Removes what a killed process may leave behind: locks on refs, which would stay for ever,
/// half-written objects and half-received packs. The caller holds the mirror's own lock.
fn remove_litter(path: &Path) -> Result<(), GitError> {
    let mut folders = vec![
        path.to_owned(),
        path.join("refs"),
        path.join("objects"),
        path.join("objects/pack"),
    ];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // Not a folder: opening it says the rest.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
            Err(error) => return Err(tried("list", &folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(tried("list", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && folder.starts_with(path.join("refs")) {
                folders.push(entry.path());
            } else if is_folder && name.starts_with(gpg::LITTER) {
                fs::remove_dir_all(entry.path()).map_err(tried("remove", &entry.path()))?;
            } else if !is_folder && is_litter(&name) {
                fs::remove_file(entry.path()).map_err(tried("remove", &entry.path()))?;
            }
        }
    }
    Ok(())
}

fn is_litter(name: &str) -> bool {
    let lock = Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "lock");
    lock || name.starts_with("pack_git2_") || name.starts_with("tmp_object_git2_")
}
