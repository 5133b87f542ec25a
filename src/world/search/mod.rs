//! Search: whole records of a kind, by their properties and tags.

mod dashboard;
mod expression;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::list::{Among, is_age, paged};
use super::records::Record;
use super::request::{Refusal, Reply, Request};
use super::window::{Rank, Window};
use dashboard::Dashboard;
use expression::{Candidate, holds};

/// Records of a page, at most and as a rule.
const PAGE: usize = 100;

/// What can be searched: the resource, the member of a result that is one, and its kind here.
const SEARCHED: &[(&str, &str, Id)] = &[
    ("Endpoint", "Endpoint", Id::Endpoint),
    ("Experiment", "Experiment", Id::Experiment),
    ("ExperimentTrial", "Trial", Id::Trial),
    (
        "ExperimentTrialComponent",
        "TrialComponent",
        Id::TrialComponent,
    ),
    (
        "HyperParameterTuningJob",
        "HyperParameterTuningJob",
        Id::TuningJob,
    ),
    ("Model", "Model", Id::Model),
    ("ModelCard", "ModelCard", Id::ModelCard),
    ("ModelPackage", "ModelPackage", Id::Package),
    ("ModelPackageGroup", "ModelPackageGroup", Id::PackageGroup),
    ("Pipeline", "Pipeline", Id::Pipeline),
    ("PipelineExecution", "PipelineExecution", Id::Execution),
    ("TrainingJob", "TrainingJob", Id::TrainingJob),
];

impl World {
    pub(super) fn search(&self, request: &Request<'_>) -> Reply {
        let resource = request.text("Resource");
        if resource == "PipelineVersion" {
            return self.search_versions(request);
        }
        let found = SEARCHED.iter().find(|(name, ..)| *name == resource);
        let Some((_, member, id)) = found else {
            return Err(Refusal::invalid(format!(
                "Search is not supported here for {resource}."
            )));
        };
        let (id, by) = (*id, sorted_by(request));
        let among = Among {
            id,
            scope: request.scope,
            start: "",
            by_age: is_age(by),
        };
        // Of a model its surroundings are told too.
        let dashboard = (id == Id::Model).then(|| Dashboard::of(self, request.scope));
        let none = json!({});
        let expression = request.get("SearchExpression").unwrap_or(&none);
        let (page, next) = self.page_of_records(
            &among,
            &Window::of(request, PAGE)?,
            |record| rank(record, by),
            |record| holds(expression, &self.candidate(id, record)),
            |record| {
                let shown = self.candidate(id, record).shown();
                json!({*member: match &dashboard {
                    Some(dashboard) => dashboard.around(shown),
                    None => shown,
                }})
            },
        )?;
        Ok(paged("Results", page, next))
    }

    /// Versions are no records: all pipelines' are gone through.
    fn search_versions(&self, request: &Request<'_>) -> Reply {
        let none = json!({});
        let expression = request.get("SearchExpression").unwrap_or(&none);
        let by = sorted_by(request);
        let versions = self.pipeline_versions(request.scope);
        let placed = versions.enumerate().map(|(at, body)| {
            let rank = if is_age(by) {
                Rank::Bits(body["CreationTime"].as_f64().unwrap_or_default().to_bits())
            } else {
                rank_of(&body, by)
            };
            ((rank, at as u64), body)
        });
        let belongs = |body: &Value| {
            let candidate = Candidate {
                body: Cow::Borrowed(body),
                tags: None,
            };
            holds(expression, &candidate)
        };
        let (page, next) = Window::of(request, PAGE)?.page(placed, belongs)?;
        let page = page
            .into_iter()
            .map(|body| json!({"PipelineVersion": body}));
        Ok(paged("Results", page.collect(), next))
    }

    fn candidate<'a>(&'a self, id: Id, record: &'a Record) -> Candidate<'a> {
        let arn = id.kind().arn(&record.scope, &record.name);
        let mut body = Cow::Borrowed(&record.body);
        if id == Id::TrialComponent {
            body.to_mut()["Parents"] = self.parents(record).into();
        }
        Candidate {
            body,
            tags: self.tags.get(&arn).map(|tags| &**tags),
        }
    }
}

fn sorted_by<'a>(request: &'a Request<'_>) -> &'a str {
    match request.text("SortBy") {
        "" => "LastModifiedTime",
        by => by,
    }
}

/// Where a record stands in an order by a member.
fn rank(record: &Record, by: &str) -> Rank {
    if is_age(by) {
        // Records are numbered in the order of their creation.
        return Rank::None;
    }
    rank_of(&record.body, by)
}

fn rank_of(body: &Value, by: &str) -> Rank {
    match &body[by] {
        Value::String(text) => Rank::Text(text.clone()),
        // The bits of numbers that are not negative are in the order of the numbers.
        Value::Number(number) => Rank::Bits(number.as_f64().unwrap_or_default().to_bits()),
        _ => Rank::None,
    }
}
