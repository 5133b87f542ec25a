//! The columns of a dataset, row by row.

use std::collections::{BTreeMap, BTreeSet};

use super::AnalyzeError;
use super::column::Column;
use super::constraints::Constraints;
use crate::limits::ANALYZED_COLUMNS_MAX;

/// A dataset.
#[derive(Debug, Default)]
pub(super) struct Dataset {
    rows: u64,
    skipped: u64,
    columns: Vec<Column>,
    by_name: BTreeMap<String, usize>,
    /// Which column a field without a name belongs to.
    positions: Vec<usize>,
    /// The names of such fields.
    names: Vec<String>,
    /// Values that the baseline allows, by column.
    domains: BTreeMap<String, BTreeSet<String>>,
}

impl Dataset {
    /// An empty one, whose fields without names have those of the baseline.
    pub(super) fn new(baseline: Option<&Constraints>) -> Self {
        let features = baseline.map_or(&[][..], |baseline| &baseline.features);
        let domains = features.iter().filter_map(|feature| {
            let domains = feature.string_constraints.as_ref()?.domains.iter();
            Some((feature.name.clone(), domains.cloned().collect()))
        });
        Self {
            names: features
                .iter()
                .map(|feature| feature.name.clone())
                .collect(),
            domains: domains.collect(),
            ..Self::default()
        }
    }

    /// Takes the names of fields out of a header; a name that is empty or was there before is none.
    pub(super) fn header<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let mut known = BTreeSet::new();
        self.names.clear();
        self.positions.clear();
        for (at, name) in names.enumerate() {
            let name = name.trim();
            let fresh = !name.is_empty() && known.insert(name.to_owned());
            self.names
                .push(if fresh { name.to_owned() } else { unnamed(at) });
        }
    }

    /// Begins a row.
    pub(super) fn row(&mut self) {
        self.rows += 1;
    }

    /// Counts a record that cannot be read.
    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }

    /// Adds a field of the row by its place.
    pub(super) fn field(&mut self, at: usize, text: &str) -> Result<(), AnalyzeError> {
        while self.positions.len() <= at {
            let at = self.positions.len();
            let name = self.names.get(at).cloned().unwrap_or_else(|| unnamed(at));
            let column = self.column(&name)?;
            self.positions.push(column);
        }
        self.columns[self.positions[at]].add(text);
        Ok(())
    }

    /// Adds a field of the row by its name.
    pub(super) fn member(&mut self, name: &str, text: &str) -> Result<(), AnalyzeError> {
        let column = self.column(name)?;
        self.columns[column].add(text);
        Ok(())
    }

    fn column(&mut self, name: &str) -> Result<usize, AnalyzeError> {
        if let Some(column) = self.by_name.get(name) {
            return Ok(*column);
        }
        let column = self.columns.len();
        if column == ANALYZED_COLUMNS_MAX {
            return Err(AnalyzeError::Wide);
        }
        self.by_name.insert(name.to_owned(), column);
        let domain = self.domains.get(name).cloned();
        self.columns.push(Column::new(name.to_owned(), domain));
        Ok(column)
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn named(&self, name: &str) -> Option<&Column> {
        self.by_name.get(name).map(|column| &self.columns[*column])
    }

    /// The share of rows in which a column has a value.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn completeness(&self, column: &Column) -> f64 {
        column.present() as f64 / self.rows as f64
    }
}

fn unnamed(at: usize) -> String {
    format!("_c{at}")
}
