//! The data-quality analysis of Model Monitor: what is in a dataset, the constraints that this
//! suggests, and where it breaks those of a baseline.
//!
//! [`analyze`] reads files once, from their beginning to their end, and keeps of a column what has a
//! bound: counts, a sketch of its numbers, its values as long as they are few. The same bytes give
//! the same analysis. What is written has the form of the service's `statistics.json`,
//! `constraints.json` and `constraint_violations.json`; what the service's documents leave open is
//! decided as Deequ does it, the library that the service's own analyzer is made with.

mod capture;
mod cell;
mod check;
mod chi_squared;
mod column;
mod constraints;
pub mod contract;
mod dataset;
mod distance;
mod metrics;
mod number;
mod read;
mod sketch;
mod statistics;
mod suggest;
#[cfg(test)]
mod tests;
mod values;

use std::io::{self, Read};

pub use check::{Violation, Violations};
pub use constraints::Constraints;
pub use metrics::{About, Metric};
pub use read::Format;
pub use statistics::Statistics;

use crate::limits::{ANALYZED_COLUMNS_MAX, ANALYZED_RECORD_BYTES_MAX};
use dataset::Dataset;

/// What a dataset is held against.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// What must hold.
    pub constraints: Constraints,
    /// The statistics of the baseline's dataset, to compare distributions with.
    pub statistics: Option<Statistics>,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// `statistics.json`
    pub statistics: Statistics,
    /// `constraints.json`: what the dataset suggests.
    pub constraints: Constraints,
    /// `constraint_violations.json`, where there is a baseline.
    pub violations: Option<Violations>,
    /// What is published of the columns.
    pub metrics: Vec<Metric>,
    /// Records that could not be read, and are not part of anything above.
    pub skipped: u64,
}

/// Why a dataset cannot be analyzed.
#[derive(Debug, thiserror::Error)]
pub enum AnalyzeError {
    /// A file ended early, for instance.
    #[error("a file of the dataset cannot be read")]
    Read(#[from] io::Error),
    /// A record that never ends, for instance for want of a quote.
    #[error("a record of the dataset has more than {ANALYZED_RECORD_BYTES_MAX} bytes")]
    Long,
    /// More than a table has.
    #[error("the dataset has more than {ANALYZED_COLUMNS_MAX} columns")]
    Wide,
    /// Nothing to analyze.
    #[error("the dataset has no rows that can be read ({skipped} records cannot)")]
    Empty {
        /// Those that could not be read.
        skipped: u64,
    },
}

/// Analyzes the files of a dataset, one after the other.
///
/// Without a header, columns have the names of the baseline's, in their order.
pub fn analyze<R: Read>(
    format: &Format,
    files: impl IntoIterator<Item = io::Result<R>>,
    baseline: Option<&Baseline>,
) -> Result<Analysis, AnalyzeError> {
    let constraints = baseline.map(|baseline| &baseline.constraints);
    let mut dataset = Dataset::new(constraints);
    for file in files {
        read::file(format, file?, &mut dataset)?;
    }
    if dataset.rows() == 0 {
        let skipped = dataset.skipped();
        return Err(AnalyzeError::Empty { skipped });
    }
    let statistics = statistics::of(&dataset);
    let drifts = baseline.map(|baseline| check::drifts(&statistics, baseline));
    let drifts = drifts.unwrap_or_default();
    Ok(Analysis {
        violations: baseline.map(|baseline| check::violations(&dataset, baseline, &drifts)),
        constraints: suggest::of(&dataset),
        metrics: metrics::of(&dataset, constraints, &drifts),
        skipped: dataset.skipped(),
        statistics,
    })
}
