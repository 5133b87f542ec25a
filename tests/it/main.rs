//! The integration tests: one binary, one module a capability.

mod aws;
mod git;
mod sim;
mod support;
