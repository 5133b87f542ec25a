//! trueup: a Git-native GitOps reconciler for Amazon SageMaker.
//!
//! Git is what is written down; SageMaker is what is running. Each room below may use only the
//! rooms above it (`tests/it/tidy.rs` keeps that), and everything down to [`world`] is pure: no
//! files, network, environment, clock or randomness that is not an argument.
//! `ARCHITECTURE.md` is the map.

// 0: words
pub mod clock;
pub mod facts;
pub mod limits;
pub mod pin;
pub mod release;
pub mod resource;
pub mod signing;
pub mod snapshot;

// 1: reading
pub mod config;
pub mod diagnostic;

// 2: deciding
pub mod analyze;
pub mod compile;
pub mod plan;

// 3: doing
pub mod cloud;
pub mod execute;
pub mod world;

// 4: edges
pub mod aws;
pub mod git;
pub mod local;
pub mod web;

// 5: shells
pub mod cli;
pub mod daemon;
pub mod demo;
pub mod reconcile;
