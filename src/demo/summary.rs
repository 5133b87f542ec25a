//! What the demo came to, for programs: one JSON object.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// What `-o json` prints.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Every step was taken, and the verifier saw each of them.
    pub ok: bool,
    /// What was waited for in vain, or could not be done.
    pub failure: Option<String>,
    /// Where everything was.
    pub folder: PathBuf,
    /// Where the local SageMaker answered.
    pub endpoint_url: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// From each push, or hand edit, until everything was as Git says.
    pub converged: Vec<Converged>,
    /// ARNs of the model packages, in order.
    pub packages: Vec<String>,
    /// The AUC of each package, as its evaluation says.
    pub auc: Vec<f64>,
    /// Names of the endpoint configs that were seen, by endpoint, in order.
    pub endpoint_configs: BTreeMap<String, Vec<String>>,
    /// Probabilities that the endpoints answered, by endpoint, in order.
    pub predictions: BTreeMap<String, Vec<f64>>,
    /// Why each hand edit was undone, in trueup's words.
    pub undone: Vec<String>,
    /// What the verifier saw.
    pub verifier: Vec<Check>,
}

/// How long it took until nothing was left to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Converged {
    /// After what.
    pub after: String,
    /// Seconds from the push, or from the hand edit.
    pub seconds: f64,
}

/// One step of the story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// From 1.
    pub number: usize,
    /// What it shows.
    pub title: String,
    /// How long it took.
    pub seconds: f64,
}

/// One thing that the verifier looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What has to be so.
    pub name: String,
    /// Whether it is.
    pub ok: bool,
    /// What was seen.
    pub saw: String,
}
