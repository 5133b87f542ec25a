//! What training left behind: the numbers of a package's artefact, and what they answer, computed
//! here and by nobody else.

use std::io::Read as _;

use serde_json::{Value, json};
use trueup::demo::example::{ACCOUNT, REGION};
use trueup::demo::http::Http;

/// A trained model, as its registered package describes it.
pub(super) struct Trained {
    /// What its evaluation measured.
    pub(super) auc: f64,
    /// `model.json` of the artefact.
    model: Value,
}

impl Trained {
    /// The model of a version of the package group.
    pub(super) async fn read(http: &Http, version: u32) -> Self {
        let arn = format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/mortgage/{version}");
        let name = json!({"ModelPackageName": arn});
        let package = http.sagemaker("DescribeModelPackage", &name).await.unwrap();
        let object = async |uri: &Value| http.object(uri.as_str().unwrap()).await.unwrap();
        let report = object(&package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]).await;
        let report: Value = serde_json::from_slice(&report).unwrap();
        let container = &package["InferenceSpecification"]["Containers"][0];
        Self {
            auc: report["binary_classification_metrics"]["auc"]["value"]
                .as_f64()
                .unwrap(),
            model: unpack(&object(&container["ModelDataUrl"]).await),
        }
    }

    /// The intercept, and the weight of each term.
    pub(super) fn weights(&self) -> Vec<f64> {
        let weights = self.model["coefficients"].as_array().unwrap();
        [&self.model["intercept"]]
            .into_iter()
            .chain(weights)
            .map(|weight| weight.as_f64().unwrap())
            .collect()
    }

    /// The probability for an application whose words are all known: the logistic function of the
    /// intercept and of each weight times its term, which is a column's number, or 1 for the word
    /// that it stands for and 0 for another, standardised.
    pub(super) fn probability(&self, application: &Value) -> f64 {
        let terms = self.model["encoder"]["terms"].as_array().unwrap();
        let terms = terms.iter().map(|term| {
            let value = &application[term["column"].as_str().unwrap()];
            let raw = match term["category"].as_str() {
                None => value.as_f64().unwrap(),
                Some(word) => f64::from(u8::from(value == word)),
            };
            (raw - term["mean"].as_f64().unwrap()) / term["scale"].as_f64().unwrap()
        });
        let weights = self.weights();
        assert_eq!(terms.len() + 1, weights.len());
        let sum: f64 = terms
            .zip(&weights[1..])
            .map(|(term, weight)| term * weight)
            .sum();
        1.0 / (1.0 + (-weights[0] - sum).exp())
    }
}

fn unpack(archive: &[u8]) -> Value {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut files = archive.entries().unwrap().map(Result::unwrap);
    let mut file = files
        .find(|file| file.path().unwrap().ends_with("model.json"))
        .unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}
