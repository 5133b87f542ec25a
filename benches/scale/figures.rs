//! What was measured: as a table for people, as JSON for programs.

use std::fmt::Write as _;
use std::fs;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};
use serde_json::json;

/// One number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// Of which measure.
    pub(crate) measure: String,
    /// Over how many models.
    pub(crate) models: usize,
    /// What it counts.
    pub(crate) what: String,
    /// How much.
    pub(crate) value: f64,
    /// Of what: `s`, `ms`, `MiB`, `calls`, `times`.
    pub(crate) unit: String,
    /// The budget: at most this.
    pub(crate) at_most: Option<f64>,
}

/// The figures of one measure over one fleet, as they come.
pub(crate) struct Figures {
    measure: &'static str,
    models: usize,
    all: Vec<Figure>,
}

impl Figures {
    pub(crate) fn new(measure: &'static str, models: usize) -> Self {
        Self {
            measure,
            models,
            all: Vec::new(),
        }
    }

    /// A number without a budget.
    pub(crate) fn tell(&mut self, what: impl Into<String>, value: f64, unit: &str) {
        self.all.push(Figure {
            measure: self.measure.to_owned(),
            models: self.models,
            what: what.into(),
            value,
            unit: unit.to_owned(),
            at_most: None,
        });
    }

    /// How many, without a budget.
    pub(crate) fn count(&mut self, what: impl Into<String>, value: u64, unit: &str) {
        self.tell(what, exactly(value), unit);
    }

    /// How many, which is to be at most so many.
    pub(crate) fn hold_count(&mut self, what: &str, value: u64, unit: &str, at_most: u32) {
        self.hold(what, exactly(value), unit, at_most.into());
    }

    /// A number that is to be at most so much.
    pub(crate) fn hold(&mut self, what: &str, value: f64, unit: &str, at_most: f64) {
        self.tell(what, value, unit);
        if let Some(last) = self.all.last_mut() {
            last.at_most = Some(at_most);
        }
    }

    pub(crate) fn done(self) -> Vec<Figure> {
        self.all
    }
}

/// A count as a figure.
fn exactly(count: u64) -> f64 {
    let small = u32::try_from(count).expect("nothing here is counted in thousands of millions");
    small.into()
}

/// Everything that was measured in one run.
pub(crate) struct Report {
    machine: serde_json::Value,
    figures: Vec<Figure>,
}

impl Report {
    /// Nothing yet; where it is measured is stated.
    pub(crate) fn of_this_machine() -> Self {
        let cores = available_parallelism().map_or(0, usize::from);
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            let found = lines.find(|(key, _)| key.trim() == name);
            found.map(|(_, value)| value.trim().to_owned())
        };
        Self {
            machine: json!({
                "cores": cores,
                "processor": field("/proc/cpuinfo", "model name"),
                "memory": field("/proc/meminfo", "MemTotal"),
                "version": env!("CARGO_PKG_VERSION"),
                "debug_assertions": cfg!(debug_assertions),
            }),
            figures: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, figures: Vec<Figure>) {
        self.figures.extend(figures);
    }

    pub(crate) fn json(&self) -> String {
        let document = json!({
            "schema": "trueup/scale.v1",
            "machine": self.machine,
            "figures": self.figures,
        });
        format!("{document:#}\n")
    }

    pub(crate) fn table(&self) -> String {
        let width = |of: fn(&Figure) -> usize| self.figures.iter().map(of).max().unwrap_or(0);
        let (measure, what) = (width(|one| one.measure.len()), width(|one| one.what.len()));
        let mut text = format!("{}\n", self.machine);
        for one in &self.figures {
            let verdict = match one.at_most {
                None => String::new(),
                Some(most) if one.value <= most => format!("  at most {most}: held"),
                Some(most) => format!("  at most {most}: missed"),
            };
            writeln!(
                text,
                "{:measure$}  {:>6}  {:what$}  {:>12.2} {:5}{verdict}",
                one.measure, one.models, one.what, one.value, one.unit
            )
            .expect("a string takes everything");
        }
        text
    }
}
