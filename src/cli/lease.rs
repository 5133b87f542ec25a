//! In whose name this process changes things.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};

use super::shell::Shell;
use crate::execute::lease::Terms;
use crate::reconcile::Leases;

/// The leases of this process: with short terms where the SageMaker is a local one.
pub(super) fn leases(shell: &Shell, local: bool) -> Leases {
    let terms = if local {
        Terms::local()
    } else {
        Terms::default()
    };
    let holder = format!("{} process {}", machine(), std::process::id());
    Leases::new(holder, session(), terms, shell.cache().ok())
}

/// The machine's name for itself.
fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "a machine without a name".to_owned(),
        name => name.to_owned(),
    }
}

/// What no other process has: the hashes are keyed by chance.
fn session() -> String {
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_processes_are_of_one_session() {
        let (one, other) = (session(), session());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
