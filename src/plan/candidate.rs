//! The package that a run came to, and whether it may be released.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::compile::definition::{COMMIT_KEY, DATA_KEY, RUN_KEY, SERVING_KEY, metric_path};
use crate::config::model::Evaluation;
use crate::config::units::Relation;
use crate::release::{ModelData, ReleasedPackage, ServingCode};

/// A registered version, with what was read about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its ARN.
    pub arn: String,
    /// `DescribeModelPackage`'s answer.
    pub package: Value,
    /// `HeadObject`'s answer for its artefact.
    pub artefact: Value,
    /// Its evaluation report, where it has one.
    pub evaluation: Option<Value>,
}

/// How S3 reports checksums, the strongest first: the member, and what to call it.
const CHECKSUMS: &[(&str, &str)] = &[
    ("ChecksumSHA256", "sha256"),
    ("ChecksumCRC64NVME", "crc64nvme"),
    ("ChecksumCRC32C", "crc32c"),
    ("ChecksumCRC32", "crc32"),
    ("ETag", "etag"),
];

/// What a later `HeadObject` must answer for an artefact to be the released one.
pub fn expected_head(artefact: &ModelData) -> Value {
    let mut expected = json!({"ContentLength": artefact.size});
    if let Some((algorithm, value)) = artefact.checksum.split_once(':')
        && let Some((member, _)) = CHECKSUMS.iter().find(|(_, name)| *name == algorithm)
    {
        expected[*member] = value.into();
    }
    expected
}

impl Candidate {
    /// The container that it serves with.
    fn container(&self) -> &Value {
        &self.package["InferenceSpecification"]["Containers"][0]
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.package["CustomerMetadataProperties"][key].as_str()
    }

    /// Its version in the group.
    pub fn version(&self) -> u64 {
        self.package["ModelPackageVersion"]
            .as_u64()
            .unwrap_or_default()
    }

    /// What a release says about it; the error names what is missing.
    pub fn released(&self) -> Result<ReleasedPackage, String> {
        let container = self.container();
        let text = |value: &Value, what: &str| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("`{}` has no {what}", self.arn))
        };
        let known = |key: &str| {
            self.metadata(key)
                .map(str::to_owned)
                .ok_or_else(|| format!("`{}` has no metadata `{key}`", self.arn))
        };
        let environment = &container["Environment"];
        Ok(ReleasedPackage {
            arn: self.arn.clone(),
            run: known(RUN_KEY)?,
            commit: known(COMMIT_KEY)?,
            data: self.data(),
            model_data: self.model_data(text(&container["ModelDataUrl"], "ModelDataUrl")?)?,
            image: pinned_image(
                &text(&container["Image"], "Image")?,
                container["ImageDigest"].as_str(),
            ),
            code: ServingCode {
                uri: text(&environment["SAGEMAKER_SUBMIT_DIRECTORY"], "serving code")?,
                digest: known(SERVING_KEY)?,
                entry_point: text(&environment["SAGEMAKER_PROGRAM"], "serving module")?,
            },
        })
    }

    fn data(&self) -> BTreeMap<String, String> {
        let metadata = self.package["CustomerMetadataProperties"].as_object();
        metadata
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| {
                Some((
                    key.strip_prefix(DATA_KEY)?.to_owned(),
                    value.as_str()?.to_owned(),
                ))
            })
            .collect()
    }

    fn model_data(&self, uri: String) -> Result<ModelData, String> {
        let size = self.artefact["ContentLength"]
            .as_u64()
            .ok_or_else(|| format!("the size of `{uri}` is not known"))?;
        let checksum = CHECKSUMS
            .iter()
            .find_map(|(member, name)| Some(format!("{name}:{}", self.artefact[*member].as_str()?)))
            .ok_or_else(|| format!("S3 reports no checksum for `{uri}`"))?;
        Ok(ModelData {
            uri,
            checksum,
            size,
        })
    }

    /// The gated metrics, if every gate of the commit is reached; else what is not, in words.
    pub fn gates(
        &self,
        evaluation: Option<&Evaluation>,
    ) -> Result<BTreeMap<String, Value>, String> {
        let Some(wanted) = evaluation else {
            return Ok(BTreeMap::new());
        };
        let mut measured = BTreeMap::new();
        for (metric, gate) in &wanted.gates {
            let path = metric_path(wanted.problem_type, metric);
            let pointer = format!("/{}", path.replace('.', "/"));
            let value = self
                .evaluation
                .as_ref()
                .and_then(|report| report.pointer(&pointer)?.as_f64());
            let value = value.ok_or_else(|| format!("the evaluation has no `{path}`"))?;
            for comparison in &gate.0 {
                if !holds(value, comparison.relation, comparison.bound) {
                    return Err(format!(
                        "{metric} is {value}, the gate is {} {}",
                        comparison.relation, comparison.bound
                    ));
                }
            }
            measured.insert(metric.clone(), value.into());
        }
        Ok(measured)
    }
}

fn holds(value: f64, relation: Relation, bound: f64) -> bool {
    match relation {
        Relation::AtLeast => value >= bound,
        Relation::Above => value > bound,
        Relation::AtMost => value <= bound,
        Relation::Below => value < bound,
    }
}

/// `repository:tag` with the digest that the registry resolved it to in the tag's place.
fn pinned_image(image: &str, digest: Option<&str>) -> String {
    match digest {
        Some(digest) if !image.contains('@') => {
            let name_from = image.rfind('/').map_or(0, |slash| slash + 1);
            let end = image[name_from..]
                .find(':')
                .map_or(image.len(), |colon| name_from + colon);
            format!("{}@{digest}", &image[..end])
        }
        _ => image.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_pinned_to_its_digest() {
        let check = |image, digest, expect: &str| assert_eq!(pinned_image(image, digest), expect);
        check("r:5000/a/b:1.2", Some("sha256:x"), "r:5000/a/b@sha256:x");
        check("a/b", Some("sha256:x"), "a/b@sha256:x");
        check("a/b@sha256:y", Some("sha256:x"), "a/b@sha256:y");
        check("a/b:1", None, "a/b:1");
    }

    #[test]
    fn a_head_answers_for_the_strongest_checksum() {
        let artefact = ModelData {
            uri: "s3://b/k".into(),
            checksum: "sha256:abc=".into(),
            size: 3,
        };
        assert_eq!(
            expected_head(&artefact),
            json!({"ContentLength": 3, "ChecksumSHA256": "abc="})
        );
    }
}
