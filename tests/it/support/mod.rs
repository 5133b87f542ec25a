//! What the integration tests stand on.

pub(crate) mod fleet;
pub(crate) mod git_server;
pub(crate) mod gpg;
pub(crate) mod keys;
pub(crate) mod processes;
pub(crate) mod relay;
pub(crate) mod repository;
pub(crate) mod ssh_server;
pub(crate) mod tls;
