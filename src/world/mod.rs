//! The service as a pure state machine.

pub mod work;
