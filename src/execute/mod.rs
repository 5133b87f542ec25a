//! Drives a plan through a cloud.
