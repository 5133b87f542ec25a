//! Which fleet answers a request.

use serde_json::Value;

use super::World;
use super::deployment::Change;
use super::kind::Id;
use super::records::Key;
use super::request::{Refusal, items, text};
use super::work::WorkId;
use crate::resource::call::{OpError, Scope};

/// Where a request to an endpoint goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The fleet that answers.
    pub fleet: WorkId,
    /// Its variant.
    pub variant: String,
    /// The variant's instances.
    pub instances: u64,
    /// The endpoint config in effect.
    pub config: String,
    /// How requests and answers are captured, if they are.
    pub capture: Option<Capture>,
    /// The variant that gets a share of the requests as well, without answering.
    pub shadow: Option<Shadow>,
}

/// A shadow variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// The fleet that gets copies.
    pub fleet: WorkId,
    /// Its variant.
    pub variant: String,
    /// Its share in relation to the production variant's, 0 to 1.
    pub share: f64,
}

/// How an endpoint captures data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Share of the requests, 0 to 100.
    pub sampling_percentage: u8,
    /// Where records go: `s3://bucket/prefix`.
    pub destination: String,
    /// Whether requests are captured.
    pub input: bool,
    /// Whether answers are captured.
    pub output: bool,
    /// Content types whose data is written as CSV text.
    pub csv_content_types: Vec<String>,
    /// Content types whose data is written as JSON text; anything else is base64.
    pub json_content_types: Vec<String>,
}

impl World {
    /// Which fleet answers a request to `endpoint`: the variant asked for, or one chosen by the
    /// variants' desired weights with `dice`, a number from 0 up to 1.
    ///
    /// An endpoint serves while it is updated. One that does not exist, is not up yet, has failed
    /// or is being deleted is not found.
    pub fn route(
        &self,
        scope: &Scope,
        endpoint: &str,
        target_variant: Option<&str>,
        dice: f64,
    ) -> Result<Route, OpError> {
        let refuse =
            |message: String| Refusal::new("ValidationError", message).error("InvokeEndpoint");
        let found = self
            .endpoint(&Key::new(Id::Endpoint, scope, endpoint))
            .filter(|(record, state)| record.name == endpoint && !state.live.is_empty());
        let Some((record, state)) = found else {
            return Err(refuse(format!(
                "Endpoint {endpoint} of account {} not found.",
                scope.account
            )));
        };
        // While a deployment moves traffic, its share goes to the new fleets.
        let moving = match &state.change {
            Some(Change::Deploy(deployment)) => Some(deployment),
            _ => None,
        };
        let share = moving.map_or(0.0, |deployment| f64::from(deployment.share()) / 100.0);
        let is_new = dice < share;
        let dice = if is_new {
            dice / share
        } else {
            (dice - share) / (1.0 - share).max(f64::EPSILON)
        };
        let fleet = |variant: &str| {
            let placed = state.live.iter().find(|placed| placed.variant == variant);
            let old = placed.map(|placed| placed.fleet);
            let new = moving.filter(|_| is_new);
            new.and_then(|deployment| deployment.fleet(variant)).or(old)
        };
        let variants = match moving.filter(|_| is_new) {
            Some(deployment) => deployment.variants(),
            None => items(&record.body, "ProductionVariants"),
        };
        let chosen = match target_variant {
            Some(target) => variants
                .iter()
                .find(|variant| text(variant, "VariantName") == target)
                .ok_or_else(|| {
                    refuse(format!(
                        "Variant {target} of endpoint {endpoint} of account {} not found.",
                        scope.account
                    ))
                })?,
            None => pick(variants, dice)
                .ok_or_else(|| refuse(format!("Endpoint {endpoint} has no variant.")))?,
        };
        let variant = text(chosen, "VariantName").to_owned();
        let Some(serving) = fleet(&variant) else {
            return Err(refuse(format!(
                "Variant {variant} of endpoint {endpoint} has no fleet."
            )));
        };
        Ok(Route {
            fleet: serving,
            instances: chosen["CurrentInstanceCount"].as_u64().unwrap_or(1),
            config: match moving.filter(|_| is_new) {
                Some(deployment) => deployment.config().to_owned(),
                None => text(&record.body, "EndpointConfigName").to_owned(),
            },
            capture: state.capture.as_ref().and_then(capture),
            shadow: items(&record.body, "ShadowProductionVariants")
                .first()
                .and_then(|shadow| {
                    let name = text(shadow, "VariantName");
                    Some(Shadow {
                        fleet: fleet(name)?,
                        variant: name.to_owned(),
                        share: (weight(shadow) / weight(chosen).max(f64::EPSILON)).clamp(0.0, 1.0),
                    })
                }),
            variant,
        })
    }
}

fn weight(variant: &Value) -> f64 {
    variant["DesiredWeight"].as_f64().unwrap_or(0.0).max(0.0)
}

/// The variant that `dice` falls on; the first if none has a weight.
fn pick(variants: &[Value], dice: f64) -> Option<&Value> {
    let total: f64 = variants.iter().map(weight).sum();
    let mut left = dice.clamp(0.0, 1.0) * total;
    let mut last = None;
    for variant in variants.iter().filter(|variant| weight(variant) > 0.0) {
        last = Some(variant);
        left -= weight(variant);
        if left < 0.0 {
            break;
        }
    }
    last.or_else(|| variants.first())
}

fn capture(config: &Value) -> Option<Capture> {
    if config["EnableCapture"] != true {
        return None;
    }
    let mode = |wanted: &str| {
        items(config, "CaptureOptions").iter().any(|option| {
            let mode = text(option, "CaptureMode");
            mode == wanted || mode == "InputAndOutput"
        })
    };
    let types = |member: &str| -> Vec<String> {
        config
            .get("CaptureContentTypeHeader")
            .map_or(&[][..], |header| items(header, member))
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    // Without lists, the usual types are told apart.
    let listed = config.get("CaptureContentTypeHeader").is_some();
    let or_usual = |types: Vec<String>, usual: &str| {
        if listed {
            types
        } else {
            vec![usual.to_owned()]
        }
    };
    let percentage = config["InitialSamplingPercentage"].as_u64().unwrap_or(100);
    Some(Capture {
        sampling_percentage: u8::try_from(percentage.min(100)).unwrap_or(100),
        destination: text(config, "DestinationS3Uri")
            .trim_end_matches('/')
            .to_owned(),
        input: mode("Input"),
        output: mode("Output"),
        csv_content_types: or_usual(types("CsvContentTypes"), "text/csv"),
        json_content_types: or_usual(types("JsonContentTypes"), "application/json"),
    })
}
