//! What a repository makes of the linter's rules: `lint` in trueup.yaml.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::EnvironmentMode;
use crate::diagnostic::Severity;

/// How strict the linter is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LintSettings {
    /// The least severity that fails, where the command line says nothing else. Default: `error`.
    #[serde(default)]
    pub fail_on: Option<FailOn>,
    /// Code of a rule to what its findings are: `ignore`, `info`, `warning` or `error`, or one of
    /// these for each mode.
    #[serde(default)]
    pub rules: BTreeMap<String, Setting>,
    /// Codes of rules that no comment in a file may ignore.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub not_ignorable: Vec<String>,
}

/// The least severity that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// What stops a model from being deployed.
    Error,
    /// Also what is probably wrong.
    Warning,
}

impl FailOn {
    /// The least severity that fails.
    pub fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
        }
    }
}

/// What is to become of a rule's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// They are not told.
    Ignored,
    /// They are this bad.
    As(Severity),
}

impl Wanted {
    /// How bad they are, where they are told.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Ignored => None,
            Self::As(severity) => Some(severity),
        }
    }
}

/// What is to become of a rule's findings, by mode; where nothing is said, the rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Setting {
    development: Option<Wanted>,
    production: Option<Wanted>,
}

/// The words that a setting takes.
const WORDS: [(&str, Wanted); 4] = [
    ("ignore", Wanted::Ignored),
    ("info", Wanted::As(Severity::Info)),
    ("warning", Wanted::As(Severity::Warning)),
    ("error", Wanted::As(Severity::Error)),
];

impl Setting {
    /// What findings are in environments of `mode`, where it says so.
    pub fn of(self, mode: EnvironmentMode) -> Option<Wanted> {
        match mode {
            EnvironmentMode::Development => self.development,
            EnvironmentMode::Production => self.production,
        }
    }
}

impl JsonSchema for Setting {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Setting".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let word = json_schema!({"type": "string", "enum": WORDS.map(|(word, _)| word)});
        json_schema!({
            "type": ["string", "object"],
            "pattern": format!("^({})$", WORDS.map(|(word, _)| word).join("|")),
            "x-expected": "`ignore`, `info`, `warning` or `error`, or one of these for each mode",
            "properties": {"development": word, "production": word},
            "additionalProperties": false,
        })
    }
}

impl TryFrom<Value> for Setting {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let word = |value: &Value| {
            let text = value.as_str();
            let known = WORDS.iter().find(|(word, _)| Some(*word) == text);
            known
                .map(|(_, wanted)| *wanted)
                .ok_or_else(|| format!("expected a severity or `ignore`, found `{value}`"))
        };
        let Value::Object(map) = &value else {
            let all = Some(word(&value)?);
            return Ok(Self {
                development: all,
                production: all,
            });
        };
        let of = |mode: &str| map.get(mode).map(word).transpose();
        Ok(Self {
            development: of("development")?,
            production: of("production")?,
        })
    }
}

impl From<Setting> for Value {
    fn from(setting: Setting) -> Self {
        let word = |wanted: Wanted| {
            let known = WORDS.iter().find(|(_, one)| *one == wanted);
            Self::from(known.map_or("ignore", |(word, _)| *word))
        };
        let modes = [
            ("development", setting.development),
            ("production", setting.production),
        ];
        let said = modes
            .into_iter()
            .filter_map(|(mode, one)| Some((mode.to_owned(), word(one?))));
        Self::Object(said.collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_setting_is_a_word_or_one_for_each_mode() {
        let check = |value: Value, development, production| {
            let read = Setting::try_from(value).expect("a setting");
            assert_eq!(read.of(EnvironmentMode::Development), development);
            assert_eq!(read.of(EnvironmentMode::Production), production);
            assert_eq!(Setting::try_from(Value::from(read)), Ok(read));
        };
        let ignored = Some(Wanted::Ignored);
        check(json!("ignore"), ignored, ignored);
        let error = Some(Wanted::As(Severity::Error));
        check(json!("error"), error, error);
        check(json!({"production": "error"}), None, error);
        check(json!({}), None, None);
        assert!(Setting::try_from(json!("loud")).is_err());
        assert!(Setting::try_from(json!({"production": 5})).is_err());
    }
}
