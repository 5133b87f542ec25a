//! The integration tests: one binary, one module a capability.

mod approval;
mod aws;
mod cli;
mod code;
mod demo;
mod digests;
mod generated;
mod git;
mod isolation;
mod limits;
mod links;
mod lint;
mod listed;
mod local;
mod neighbours;
mod orders;
mod properties;
mod readme;
mod rollback;
mod run;
mod safety;
mod sim;
mod support;
mod tidy;
