//! What is asked for on the command line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures how the program scales; see CONTRIBUTING.md
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Only these measures
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Measure>,
    /// This many models in place of each measure's own numbers
    #[arg(long)]
    pub(crate) models: Option<usize>,
    /// Passes with churn
    #[arg(long, default_value_t = 10_000)]
    pub(crate) passes: usize,
    /// Where the figures go as JSON. Default: scale.json beside the built program
    #[arg(long)]
    out: Option<PathBuf>,
    /// What a process that was started for one thing does
    #[arg(long, value_enum, hide = true)]
    pub(crate) step: Option<Step>,
    /// Where its fleet is
    #[arg(long, hide = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Cargo says so to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// One thing that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// A pass in which nothing is to be done
    #[value(name = "noop", alias = "a")]
    Noop,
    /// The same, at a service that is far away
    #[value(name = "far", alias = "f")]
    Far,
    /// A commit that touches one model
    #[value(name = "touched", alias = "b")]
    Touched,
    /// The same looks as people write them with boto3
    #[value(name = "boto3", alias = "c")]
    Boto3,
    /// The first start, with an empty cache
    #[value(name = "cold", alias = "d")]
    Cold,
    /// Many passes, each with a commit
    #[value(name = "churn", alias = "e")]
    Churn,
}

/// What a process is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Converge a fleet
    Grow,
    /// Serve a fleet's world over HTTP
    Serve,
    /// Measure one thing
    Measure,
}

impl Measure {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Far => "far",
            Self::Touched => "touched",
            Self::Boto3 => "boto3",
            Self::Cold => "cold",
            Self::Churn => "churn",
        }
    }

    fn sizes(self) -> &'static [usize] {
        match self {
            Self::Noop => &[100, 1_000, 10_000],
            Self::Boto3 | Self::Far => &[100, 1_000],
            Self::Touched | Self::Cold => &[10_000],
            Self::Churn => &[100],
        }
    }
}

impl Options {
    /// The fleets that are needed, by their numbers of models.
    pub(crate) fn sizes(&self) -> BTreeSet<usize> {
        if let Some(models) = self.models {
            return BTreeSet::from([models]);
        }
        let sizes = self.measures().into_iter().flat_map(Measure::sizes);
        sizes.copied().collect()
    }

    /// What is measured of a fleet of this size.
    pub(crate) fn measures_of(&self, models: usize) -> Vec<Measure> {
        let mut measures = self.measures();
        measures.retain(|measure| self.models.is_some() || measure.sizes().contains(&models));
        measures
    }

    fn measures(&self) -> Vec<Measure> {
        if self.only.is_empty() {
            Measure::value_variants().to_vec()
        } else {
            self.only.clone()
        }
    }

    /// Where the figures go.
    pub(crate) fn out(&self) -> PathBuf {
        let beside = || {
            let program = std::env::current_exe().expect("a running program has a file");
            program.with_file_name("scale.json")
        };
        self.out.clone().unwrap_or_else(beside)
    }
}
