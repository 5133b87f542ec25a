//! What to do about the difference between what is desired and what was observed. Pure: the same
//! input gives the same bytes.
//!
//! What is remembered about an endpoint's updates stands in tags on the endpoint config that was
//! to be brought: [`crate::resource::owner::UPDATE`] is written before the call,
//! [`crate::resource::owner::CONVERGED`] once it was seen to hold.

pub mod approval;
pub mod attempt;
pub mod candidate;
pub mod cause;
mod cause_pages;
mod change;
pub mod collect;
mod create;
pub mod drift;
pub mod observed;
pub mod overriding;
pub mod planner;
pub mod release;
pub mod report;
pub mod resolve;
pub mod review;
pub mod rollback;
pub mod rollout;
pub mod run;
pub mod step;
pub mod survey;
pub mod upstream;

mod removal;
mod scaling;
