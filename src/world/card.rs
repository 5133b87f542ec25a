//! Model cards: a new content is a new version.

use serde_json::{Value, json};

use super::World;
use super::create::user;
use super::kind::Id;
use super::list::paged;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, epoch, picked};
use super::shape;
use super::window::{Rank, Window};

/// Items of a page of versions.
const PAGE: usize = 10;

impl World {
    pub(super) fn create_card(&mut self, request: &Request<'_>) -> Reply {
        let kind = Id::ModelCard.kind();
        let name = request.text(kind.name);
        check(request.text("Content"))?;
        self.free(kind, request.scope, name)?;
        let mut body = Value::Object(shape::echo(kind.describe, &request.body));
        body["ModelCardVersion"] = json!(1);
        stamp(&mut body, request);
        body["CreatedBy"] = user(request.scope);
        self.put(kind, request, name, body, State::Card(Vec::new()))
    }

    /// A card's newest version, or the one that is asked for.
    pub(super) fn describe_card(&self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::ModelCard.kind(), request)?;
        let Some(wanted) = request.get("ModelCardVersion") else {
            return Ok(record.body.clone());
        };
        let found = versions(record).find(|version| version["ModelCardVersion"] == *wanted);
        found.cloned().ok_or_else(|| {
            Refusal::new(
                "ResourceNotFound",
                format!("Model card {} has no version {wanted}.", record.name),
            )
        })
    }

    pub(super) fn update_card(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::ModelCard.kind(), request)?;
        let key = Key::new(Id::ModelCard, &record.scope, &record.name);
        let answer = json!({"ModelCardArn": record.body["ModelCardArn"]});
        let (content, status) = (request.get("Content"), request.get("ModelCardStatus"));
        if content.is_some() && status.is_some() {
            return Err(Refusal::invalid(
                "The content and the status of a model card cannot be updated in one call.",
            ));
        }
        if content.is_some() {
            check(request.text("Content"))?;
        }
        let Some(record) = self.records.get_mut(&key) else {
            return Ok(answer);
        };
        let before = record.body.clone();
        if let (Some(content), State::Card(earlier)) = (content, &mut record.state) {
            record.body["Content"] = content.clone();
            record.body["ModelCardVersion"] = json!(earlier.len() + 2);
            earlier.push(before);
        }
        if let Some(status) = status {
            record.body["ModelCardStatus"] = status.clone();
        }
        stamp(&mut record.body, request);
        Ok(answer)
    }

    pub(super) fn list_card_versions(&self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::ModelCard.kind(), request)?;
        let within = |version: &&Value| {
            let made = version["LastModifiedTime"].as_f64();
            let bound = |name| request.get(name).and_then(Value::as_f64);
            let status = request.get("ModelCardStatus");
            status.is_none_or(|status| version["ModelCardStatus"] == *status)
                && bound("CreationTimeAfter").is_none_or(|after| made > Some(after))
                && bound("CreationTimeBefore").is_none_or(|before| made < Some(before))
        };
        let placed = versions(record).filter(within).map(|version| {
            let number = version["ModelCardVersion"].as_u64().unwrap_or_default();
            (
                (Rank::None, number),
                Value::Object(picked(version, &SUMMARY)),
            )
        });
        let (page, next) = Window::of(request, PAGE)?.whole(placed)?;
        Ok(paged("ModelCardVersionSummaryList", page, next))
    }
}

/// Every version of a card, the oldest first.
fn versions(record: &Record) -> impl Iterator<Item = &Value> {
    let earlier = match &record.state {
        State::Card(earlier) => earlier.as_slice(),
        _ => &[],
    };
    earlier.iter().chain([&record.body])
}

/// What a list of versions shows.
const SUMMARY: [&str; 6] = [
    "ModelCardName",
    "ModelCardArn",
    "ModelCardStatus",
    "ModelCardVersion",
    "CreationTime",
    "LastModifiedTime",
];

fn stamp(body: &mut Value, request: &Request<'_>) {
    body["LastModifiedTime"] = epoch(request.now);
    body["LastModifiedBy"] = user(request.scope);
}

/// A card's content is a JSON object, written as text.
fn check(content: &str) -> Result<(), Refusal> {
    match serde_json::from_str(content) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(Refusal::invalid(
            "Model card content is not valid: it must be a JSON object.",
        )),
    }
}
