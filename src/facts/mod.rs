//! Tables of facts about AWS, each with its date and source.

pub mod images;
pub mod instances;
