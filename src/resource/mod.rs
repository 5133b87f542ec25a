//! The words of the program: kinds of resources, calls, names and digests.

pub mod call;
pub mod error;
