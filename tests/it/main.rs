//! The integration tests: one binary, one module a capability.

mod aws;
mod demo;
mod git;
mod support;
