//! How the analyzer's container is told what to do, and how it says what came of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::Violations;
use super::metrics::About;
use super::read::Format;

/// What the environment of the container asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// How the dataset is written.
    pub format: Format,
    /// The file or folder that it is in.
    pub source: String,
    /// The folder that the results go into.
    pub output: String,
    /// The baseline's constraints, if there is one.
    pub constraints: Option<String>,
    /// The baseline's statistics, if there is one.
    pub statistics: Option<String>,
    /// Whether metrics are published.
    pub publishes: bool,
    /// What the metrics are about.
    pub about: About,
}

/// Why what is asked for cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// A variable without which nothing can be done.
    #[error("the environment variable `{0}` is not set")]
    Missing(&'static str),
    /// A format that is not known.
    #[error("`dataset_format` is not one of csv, json and sagemakerCaptureJson: {0}")]
    Format(String),
    /// Something that the service's own analyzer does and this one does not.
    #[error("`{0}` is not supported by this analyzer")]
    Unsupported(&'static str),
    /// Another analysis than that of data quality.
    #[error("the analysis `{0}` is not supported by this analyzer: only data quality is")]
    Analysis(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    csv: Option<Csv>,
    json: Option<Json>,
    sagemaker_capture_json: Option<Capture>,
}

#[derive(Deserialize)]
struct Csv {
    #[serde(default)]
    header: bool,
}

#[derive(Deserialize)]
struct Json {
    #[serde(default, alias = "line")]
    lines: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capture {
    capture_index_names: Option<Vec<String>>,
}

impl Contract {
    /// Reads it out of the environment.
    pub fn of(environment: &BTreeMap<String, String>) -> Result<Self, ContractError> {
        let set = |name: &str| {
            environment
                .get(name)
                .filter(|value| !value.is_empty())
                .cloned()
        };
        let needed = |name: &'static str| set(name).ok_or(ContractError::Missing(name));
        for script in [
            "record_preprocessor_script",
            "post_analytics_processor_script",
        ] {
            if set(script).is_some() {
                return Err(ContractError::Unsupported(script));
            }
        }
        if let Some(kind) = set("analysis_type").filter(|kind| kind != "DATA_QUALITY") {
            return Err(ContractError::Analysis(kind));
        }
        Ok(Self {
            format: format(&needed("dataset_format")?)?,
            source: needed("dataset_source")?,
            output: needed("output_path")?,
            constraints: set("baseline_constraints"),
            statistics: set("baseline_statistics"),
            publishes: set("publish_cloudwatch_metrics").as_deref() == Some("Enabled"),
            about: About {
                endpoint: set("sagemaker_endpoint_name"),
                schedule: set("sagemaker_monitoring_schedule_name"),
                time: set("metric_time").or_else(|| set("start_time")),
            },
        })
    }
}

fn format(text: &str) -> Result<Format, ContractError> {
    let unknown = || ContractError::Format(text.to_owned());
    let written: Written = serde_json::from_str(text).map_err(|_| unknown())?;
    match written {
        Written { csv: Some(csv), .. } => Ok(Format::Csv { header: csv.header }),
        Written {
            json: Some(json), ..
        } => Ok(Format::Json { lines: json.lines }),
        Written {
            sagemaker_capture_json: Some(capture),
            ..
        } => {
            let names = capture.capture_index_names;
            let wants = |side: &str| {
                names
                    .as_ref()
                    .is_none_or(|names| names.iter().any(|name| name == side))
            };
            Ok(Format::Capture {
                input: wants("endpointInput"),
                output: wants("endpointOutput"),
            })
        }
        _ => Err(unknown()),
    }
}

/// What the container says of itself when it has done what it was asked for.
pub fn message(violations: Option<&Violations>) -> String {
    match violations.map_or(0, |found| found.violations.len()) {
        0 => "Completed: Job completed successfully with no violations.".to_owned(),
        count => {
            format!("CompletedWithViolations: Job completed successfully with {count} violations.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let usual = [
            ("dataset_format", r#"{"csv":{"header":true}}"#),
            ("dataset_source", "/in"),
            ("output_path", "/out"),
        ];
        let pairs = usual.iter().chain(pairs);
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn formats_are_those_of_the_service() {
        let check = |text: &str, expected: Format| assert_eq!(format(text), Ok(expected), "{text}");
        check(r#"{"csv":{}}"#, Format::Csv { header: false });
        check(
            r#"{"csv":{"header":true,"output_columns_position":"START"}}"#,
            Format::Csv { header: true },
        );
        check(r#"{"json":{"lines":true}}"#, Format::Json { lines: true });
        check(
            r#"{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}"#,
            Format::Capture {
                input: true,
                output: true,
            },
        );
        check(
            r#"{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput"]}}"#,
            Format::Capture {
                input: true,
                output: false,
            },
        );
        for text in [r#"{"parquet":{}}"#, "csv", ""] {
            assert_eq!(format(text), Err(ContractError::Format(text.to_owned())));
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let refused = |pairs: &[(&str, &str)]| Contract::of(&environment(pairs)).unwrap_err();
        assert_eq!(
            refused(&[("record_preprocessor_script", "/opt/ml/a.py")]),
            ContractError::Unsupported("record_preprocessor_script")
        );
        assert_eq!(
            refused(&[("analysis_type", "MODEL_QUALITY")]),
            ContractError::Analysis("MODEL_QUALITY".to_owned())
        );
        assert_eq!(
            refused(&[("dataset_source", "")]),
            ContractError::Missing("dataset_source")
        );
    }

    #[test]
    fn the_rest_is_read() {
        let contract = Contract::of(&environment(&[
            ("baseline_constraints", "/c.json"),
            ("publish_cloudwatch_metrics", "Enabled"),
            ("sagemaker_endpoint_name", "e"),
            ("start_time", "2026-01-01T00:00:00Z"),
        ]));
        let expected = Contract {
            format: Format::Csv { header: true },
            source: "/in".to_owned(),
            output: "/out".to_owned(),
            constraints: Some("/c.json".to_owned()),
            statistics: None,
            publishes: true,
            about: About {
                endpoint: Some("e".to_owned()),
                schedule: None,
                time: Some("2026-01-01T00:00:00Z".to_owned()),
            },
        };
        assert_eq!(contract, Ok(expected));
    }
}
