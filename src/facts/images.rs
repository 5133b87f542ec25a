//! Where AWS's own container images are. `images.json` holds the registry accounts by region and
//! the tags by version, as the SageMaker Python SDK knows them (read November 2026).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
struct Tables {
    frameworks: BTreeMap<String, Framework>,
}

#[derive(Deserialize)]
struct Framework {
    repository: String,
    versions: BTreeMap<String, String>,
    registries: BTreeMap<String, String>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    serde_json::from_str(include_str!("images.json"))
        .expect("the embedded table parses: a test reads it")
});

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoImage {
    /// The framework is not in the table.
    #[error("`{0}` is not a known framework; known: {1}")]
    Framework(String, String),
    /// The version is not in the table.
    #[error("`{0}` has no version `{1}`; known: {2}")]
    Version(String, String, String),
    /// AWS does not publish it in that region.
    #[error("AWS does not publish `{0}` images in `{1}`")]
    Region(String, String),
}

/// The URI of a framework's image in a region. `framework` is written `name@version`.
pub fn uri(framework: &str, region: &str) -> Result<String, NoImage> {
    let (name, version) = framework.split_once('@').unwrap_or((framework, ""));
    let table = TABLES
        .frameworks
        .get(name)
        .filter(|_| name != MONITOR)
        .ok_or_else(|| NoImage::Framework(name.to_owned(), frameworks().join(", ")))?;
    let tag = table.versions.get(version).ok_or_else(|| {
        let known: Vec<_> = table.versions.keys().map(String::as_str).collect();
        NoImage::Version(name.to_owned(), version.to_owned(), known.join(", "))
    })?;
    Ok(format!("{}:{tag}", repository(name, table, region)?))
}

/// Whether all images of a framework's version are for machines without a GPU.
pub fn is_without_gpu(framework: &str) -> bool {
    let (name, version) = framework.split_once('@').unwrap_or((framework, ""));
    let tag = TABLES
        .frameworks
        .get(name)
        .and_then(|table| table.versions.get(version));
    tag.is_some_and(|tag| tag.split('-').any(|part| part == "cpu"))
}

const MONITOR: &str = "model-monitor";

/// The URI of Model Monitor's analyzer in a region.
pub fn monitor_uri(region: &str) -> Result<String, NoImage> {
    repository(MONITOR, &TABLES.frameworks[MONITOR], region)
}

fn frameworks() -> Vec<&'static str> {
    TABLES
        .frameworks
        .keys()
        .map(String::as_str)
        .filter(|name| *name != MONITOR)
        .collect()
}

fn repository(name: &str, table: &Framework, region: &str) -> Result<String, NoImage> {
    let account = table
        .registries
        .get(region)
        .ok_or_else(|| NoImage::Region(name.to_owned(), region.to_owned()))?;
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    Ok(format!(
        "{account}.dkr.ecr.{region}.{suffix}/{}",
        table.repository
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_those_of_the_sdk() {
        assert_eq!(
            uri("sklearn@1.2-1", "eu-west-1").unwrap(),
            "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
        );
        assert_eq!(
            uri("xgboost@1.7-1", "us-east-1").unwrap(),
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
        );
        assert!(
            monitor_uri("us-east-1")
                .unwrap()
                .starts_with("156813124566.")
        );
    }

    #[test]
    fn a_tag_tells_for_which_machines_it_is() {
        assert!(is_without_gpu("sklearn@1.2-1"));
        assert!(!is_without_gpu("xgboost@1.7-1"));
        assert!(!is_without_gpu("sklearn@9"));
    }

    #[test]
    fn what_is_missing_is_named_with_what_there_is() {
        let message = |framework, region| uri(framework, region).unwrap_err().to_string();
        assert_eq!(
            message("sklern@1", "eu-west-1"),
            "`sklern` is not a known framework; known: sklearn, xgboost"
        );
        assert!(message("sklearn@9", "eu-west-1").contains("1.2-1"));
        assert!(message("sklearn@1.2-1", "mars-1").contains("mars-1"));
    }
}
