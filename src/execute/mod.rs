//! The machines that look and act: observation, execution, and the whole pass of one model.

pub mod flaps;
pub mod inventory;
pub mod lease;
pub mod model;
pub mod observe;
pub mod order;
pub mod orders;
pub mod overriding;
pub mod pass;
pub mod permit;
pub mod seen;
pub mod steps;
pub mod survey;
pub mod sweep;
pub mod turns;

mod listing;
mod pending;
mod unit_pass;
