//! What commands print: values in, text or JSON out. Nothing here reads or writes anything.

pub mod digest;
pub mod findings;
pub mod history;
pub mod json;
pub mod news;
pub mod paint;
pub mod plan;
pub mod rollback;
#[cfg(test)]
pub(crate) mod sample;
pub mod status;
pub mod tree;
pub mod why;
pub mod words;

pub use paint::Paint;
