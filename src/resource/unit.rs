//! What is planned at once: a model at home, or a model in one environment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of the home unit; no environment may be called so.
pub const HOME: &str = "home";

/// A model, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// The model's name.
    pub model: String,
    /// [`HOME`], or an environment's name.
    pub place: String,
}

impl Unit {
    /// The unit that trains.
    pub fn home(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            place: HOME.to_owned(),
        }
    }

    /// A unit that serves.
    pub fn environment(model: &str, environment: &str) -> Self {
        Self {
            model: model.to_owned(),
            place: environment.to_owned(),
        }
    }

    /// Whether this is the unit that trains.
    pub fn is_home(&self) -> bool {
        self.place == HOME
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.model, self.place)
    }
}
