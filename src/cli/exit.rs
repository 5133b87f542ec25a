//! Exit codes, the same for every command.

/// Clean, in sync, done. Never with something that could not be read.
pub const OK: u8 = 0;
/// Findings, failed, held, past the deadline, or unknown.
pub const FAILED: u8 = 1;
/// The command line was wrong; nothing was done.
pub const USAGE: u8 = 2;
/// `plan --detailed-exitcode`: there are changes.
pub const CHANGES: u8 = 2;
