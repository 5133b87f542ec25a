//! The state folder: who holds it, and the snapshot of the world in it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::world::World;

/// The format of the snapshot. Another one is refused, never guessed at.
const FORMAT: u32 = 2;

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another server uses it.
    #[error("{0} is in use by another local SageMaker")]
    InUse(PathBuf),
    /// The snapshot is not what this program writes.
    #[error("{0} is not a snapshot of this version: remove the folder to start afresh")]
    Unreadable(PathBuf),
}

#[derive(Deserialize)]
struct Read {
    format: u32,
    world: World,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    world: &'a World,
}

/// A state folder that this server holds alone.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    /// Kept open: the lock ends with it, however this process ends.
    _lock: File,
}

impl State {
    /// Opens the folder, which is created where it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, StateError> {
        let io = |doing| {
            move |source| StateError::Io {
                doing,
                path: folder.to_owned(),
                source,
            }
        };
        fs::create_dir_all(folder).map_err(io("create"))?;
        let folder = folder.canonicalize().map_err(io("open"))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))
            .map_err(io("create a lock in"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse(folder)),
            Err(TryLockError::Error(source)) => Err(StateError::Io {
                doing: "lock",
                path: folder,
                source,
            }),
        }
    }

    /// The folder, canonical.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The world of the last snapshot, if there is one.
    pub(crate) fn load(&self) -> Result<Option<World>, StateError> {
        let path = self.snapshot();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(StateError::Io {
                    doing: "read",
                    path,
                    source,
                });
            }
        };
        match serde_json::from_slice::<Read>(&bytes) {
            Ok(read) if read.format == FORMAT => Ok(Some(read.world)),
            Ok(_) | Err(_) => Err(StateError::Unreadable(path)),
        }
    }

    /// Writes a snapshot: the old one or the new one is there at any instant, whole.
    pub(crate) fn save(&self, world: &World) -> Result<(), StateError> {
        let path = self.snapshot();
        let temporary = path.with_extension("json.new");
        let write = || -> io::Result<()> {
            let mut file = io::BufWriter::new(File::create(&temporary)?);
            let written = Written {
                format: FORMAT,
                world,
            };
            serde_json::to_writer(&mut file, &written)?;
            file.flush()?;
            file.get_ref().sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| StateError::Io {
            doing: "write",
            path: path.clone(),
            source,
        })
    }

    fn snapshot(&self) -> PathBuf {
        self.folder.join("world.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder() {
        let dir = tempfile::tempdir().unwrap();
        let first = State::open(dir.path()).unwrap();
        assert!(matches!(State::open(dir.path()), Err(StateError::InUse(_))));
        drop(first);
        State::open(dir.path()).unwrap();
    }

    #[test]
    fn only_whole_snapshots_of_this_format_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        assert!(state.load().unwrap().is_none());
        state
            .save(&World::new(crate::world::Pace::local()))
            .unwrap();
        assert!(state.load().unwrap().is_some());
        for broken in ["", "{}", "{\"format\":99,\"world\":{}}"] {
            fs::write(dir.path().join("world.json"), broken).unwrap();
            assert!(matches!(state.load(), Err(StateError::Unreadable(_))));
        }
    }
}
