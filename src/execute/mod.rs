//! The machines that look and act: observation, execution, and the whole pass of one model.

pub mod model;
pub mod observe;
pub mod pass;
pub mod seen;
pub mod steps;

mod listing;
mod pending;
