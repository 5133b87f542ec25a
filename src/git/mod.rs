//! Mirrors, snapshots, watch and write-back.
//!
//! Everything is read from Git's object store, never from a checkout: no symbolic link is followed,
//! no filter, hook or submodule is run. The calls block; async callers use `spawn_blocking`.
//!
//! A [`Source`] says where; a [`Mirror`] is a bare copy below a cache folder, with one writer.
//! [`Mirror::fetch`] looks at the remote, [`Mirror::index`], [`Mirror::snapshot`] and
//! [`Mirror::history`] read, [`Mirror::write`] commits and pushes by compare-and-swap,
//! [`watch::watch`] hints that a local repository moved. The cache may be deleted at any time.

mod ask;
mod blobs;
mod build;
mod changes;
pub mod codecommit;
pub mod error;
mod fetch;
mod gpg;
pub mod history;
mod index;
mod known_hosts;
mod lock;
mod login;
pub mod mirror;
mod names;
mod push;
mod question;
mod remote;
mod retry_after;
mod signed;
mod snapshot;
pub mod source;
mod ssh;
mod talk;
pub mod touched;
mod url;
pub mod versions;
pub mod watch;
pub mod worktree;
pub mod write;

pub use ask::{GitHelpers, TokenCommand, TokenFile};
pub use changes::Change;
pub use error::GitError;
pub use fetch::Fetched;
pub use history::History;
pub use index::Index;
pub use login::{Ask, Credentials, Login};
pub use mirror::{Known, Mirror};
pub use signed::{Altered, Described};
pub use source::Source;
pub use ssh::Keys;
pub use url::SourceError;
pub use versions::Versions;
pub use write::{Author, WriteError, Written};

use crate::snapshot::ObjectId;

impl From<git2::Oid> for ObjectId {
    fn from(id: git2::Oid) -> Self {
        Self(id.to_string())
    }
}
