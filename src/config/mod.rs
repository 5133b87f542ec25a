//! Reading what people write: YAML with spans, merged documents, typed configuration.

pub mod installation;
pub mod model;
pub mod units;
