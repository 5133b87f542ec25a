//! Looks at what one unit's plan needs to know: no more, and by name.
//!
//! Absence is concluded from a Describe that says so. A look that failed is a gap.

use std::sync::Arc;

use serde_json::{Value, json};

use super::listing::{List, Listing, Page};
use super::pending::Pending;
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::limits::{LIST_PAGES_MAX, OBSERVE_ROUNDS_MAX};
use crate::plan::candidate::Candidate;
use crate::plan::observed::{Gap, Look, Newest, Object, Observed};
use crate::plan::resolve::resolve;
use crate::plan::run;
use crate::resource::broken::Broken;
use crate::resource::call::{Answer, Call, OpError, s3_parts};
use crate::resource::desired::{Desired, Run};
use crate::resource::error::Class;
use crate::resource::kind::Kind;
use crate::resource::kinds::{MODEL_PACKAGE, kind};
use crate::resource::owner::{self, Tags};

/// The observation of one unit.
#[derive(Debug, Clone)]
pub struct Observe {
    desired: Arc<Desired>,
    observed: Observed,
    pending: Pending<Purpose>,
    queue: Vec<(Call, Purpose)>,
    rounds: usize,
    stage: Stage,
    candidate: Partial,
}

/// What a call is for.
#[derive(Debug, Clone)]
enum Purpose {
    Describe {
        kind: &'static Kind,
        name: String,
    },
    Tags {
        kind: &'static Kind,
        name: String,
        body: Value,
        so_far: Tags,
        pages: usize,
    },
    List(Listing),
    Steps,
    Package {
        arn: String,
    },
    Artefact,
    Evaluation,
}

/// What remains to be looked at, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Packages,
    Package,
    Executions,
    Failure,
    Resources,
    Done,
}

#[derive(Debug, Clone, Default)]
struct Partial {
    arn: String,
    package: Value,
    artefact: Value,
    evaluation: Option<Value>,
    incomplete: bool,
}

impl Observe {
    /// Looks at everything that `desired` needs.
    pub fn new(desired: Arc<Desired>) -> Self {
        Self {
            desired,
            observed: Observed::default(),
            pending: Pending::default(),
            queue: Vec::new(),
            rounds: 0,
            stage: Stage::Packages,
            candidate: Partial::default(),
        }
    }

    fn ask(&mut self, op: &'static str, body: Value, purpose: Purpose) {
        self.queue
            .push((Call::new(op, &self.desired.scope, body), purpose));
    }

    /// Queues the looks of the next stage that has any.
    fn advance(&mut self) {
        let desired = self.desired.clone();
        while self.queue.is_empty() && self.stage != Stage::Done {
            match (self.stage, &desired.run) {
                (Stage::Packages, Some(run)) => self.list(List::Packages, run),
                (Stage::Package, Some(run)) => self.packaged(run),
                (Stage::Executions, Some(run)) => self.executions(run),
                (Stage::Failure, Some(run)) => self.failure(run),
                (Stage::Resources, _) => {
                    self.resources();
                    if !self.queue.is_empty() {
                        return;
                    }
                }
                _ => {}
            }
            self.stage = match self.stage {
                Stage::Packages => Stage::Package,
                Stage::Package => Stage::Executions,
                Stage::Executions => Stage::Failure,
                Stage::Failure => Stage::Resources,
                Stage::Resources | Stage::Done => Stage::Done,
            };
        }
    }

    fn list(&mut self, list: List, run: &Run) {
        let (request, listing) = Listing::begin(list, run);
        self.ask(list.op(), request, Purpose::List(listing));
    }

    fn packages(&self) -> &[Value] {
        let packages = self.observed.packages.as_ref();
        packages.map_or(&[], |packages| &packages.items)
    }

    /// The package of the run, or the one whose artefact would be packaged again.
    fn packaged(&mut self, run: &Run) {
        let arn = |package: &Value| Some(package["ModelPackageArn"].as_str()?.to_owned());
        let wanted = run::package(self.packages(), run).and_then(arn);
        let trained = run::trained(self.packages(), run).and_then(arn);
        let purpose = match (&wanted, &trained) {
            (Some(arn), _) => Purpose::Package { arn: arn.clone() },
            (None, Some(arn)) => Purpose::Describe {
                kind: &MODEL_PACKAGE,
                name: arn.clone(),
            },
            (None, None) => return,
        };
        let request = json!({"ModelPackageName": wanted.or(trained)});
        self.ask("DescribeModelPackage", request, purpose);
    }

    /// The executions say whether to train: only where there is no package of the run.
    fn executions(&mut self, run: &Run) {
        let known = self.observed.packages.is_some();
        if known && run::trained(self.packages(), run).is_none() {
            self.list(List::Executions, run);
        }
    }

    /// The steps of the attempt that failed, for its reason.
    fn failure(&mut self, run: &Run) {
        let Some(executions) = &self.observed.executions else {
            return;
        };
        let latest = run::latest_execution(&executions.items, run);
        if let Some(latest) = latest.filter(|latest| latest["PipelineExecutionStatus"] == "Failed")
        {
            let body =
                json!({"PipelineExecutionArn": latest["PipelineExecutionArn"], "MaxResults": 100});
            self.ask("ListPipelineExecutionSteps", body, Purpose::Steps);
        }
    }

    fn resources(&mut self) {
        if self.rounds == OBSERVE_ROUNDS_MAX {
            return;
        }
        self.rounds += 1;
        let resolution = resolve(&self.desired, &self.observed);
        if resolution.wanted.is_empty() {
            self.observed.resolution = Some(resolution);
            return;
        }
        for (name, wanted) in resolution.wanted {
            let Some(kind) = kind(name) else { continue };
            self.ask(
                kind.ops.describe,
                kind.located(&wanted),
                Purpose::Describe { kind, name: wanted },
            );
        }
    }

    fn described(&mut self, kind: &'static Kind, name: String, answer: Answer) {
        match answer {
            Ok(body) if kind.arn.is_some() => self.ask_tags(kind, name, body, None),
            Ok(body) => self.observed.record(
                kind,
                &name,
                Look::Present(Object {
                    body,
                    tags: Tags::new(),
                }),
            ),
            Err(error)
                if error.class == Class::NotFound || self.desired.broken == Broken::GapIsAbsent =>
            {
                self.observed.record(kind, &name, Look::Absent);
            }
            Err(error) => self.observed.record(kind, &name, Look::Unknown(error)),
        }
    }

    /// Asks for a page of an object's tags: the first, or the one after those that are known.
    fn ask_tags(
        &mut self,
        kind: &'static Kind,
        name: String,
        body: Value,
        after: Option<(&str, Tags, usize)>,
    ) {
        let mut request = json!({"ResourceArn": kind.arn.map(|arn| &body[arn])});
        let (so_far, pages) = match after {
            None => (Tags::new(), 1),
            Some((token, so_far, pages)) => {
                request["NextToken"] = token.into();
                (so_far, pages + 1)
            }
        };
        let purpose = Purpose::Tags {
            kind,
            name,
            body,
            so_far,
            pages,
        };
        self.ask("ListTags", request, purpose);
    }

    /// A page of an object's tags. Without all of them it is not known whose the object is.
    fn tagged(&mut self, purpose: Purpose, answer: Answer) {
        let Purpose::Tags {
            kind,
            name,
            body,
            mut so_far,
            pages,
        } = purpose
        else {
            return;
        };
        let page = match answer {
            Ok(page) => page,
            Err(error) => return self.observed.record(kind, &name, Look::Unknown(error)),
        };
        so_far.extend(owner::from_list(&page["Tags"]));
        let look = match page["NextToken"].as_str() {
            Some(token) if pages < LIST_PAGES_MAX => {
                return self.ask_tags(kind, name, body, Some((token, so_far, pages)));
            }
            Some(_) => {
                let words = format!("more than {LIST_PAGES_MAX} pages");
                Look::Unknown(OpError::refused("ListTags", "TooManyPages", words))
            }
            None => Look::Present(Object { body, tags: so_far }),
        };
        self.observed.record(kind, &name, look);
    }

    /// One page of a list. A list of a parent that does not exist is empty.
    fn listed(&mut self, listing: Listing, answer: Answer) {
        let desired = self.desired.clone();
        let (Some(run), list) = (&desired.run, listing.list) else {
            return;
        };
        let newest = match answer.map(|page| listing.page(run, page)) {
            Ok(Page::More(request, listing)) => {
                return self.ask(list.op(), request, Purpose::List(listing));
            }
            Ok(Page::End(newest)) => newest,
            Err(error) if error.class == Class::NotFound => Newest::default(),
            Err(error) => return self.gap(list.op(), error),
        };
        match list {
            List::Packages => self.observed.packages = Some(newest),
            List::Executions => self.observed.executions = Some(newest),
        }
    }

    fn gap(&mut self, what: &str, error: OpError) {
        self.observed.gaps.push(Gap {
            what: what.to_owned(),
            error,
        });
    }

    fn package(&mut self, arn: String, answer: Answer) {
        match answer {
            Ok(package) => {
                let artefact =
                    package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"].as_str();
                if let Some((bucket, key)) = artefact.and_then(s3_parts) {
                    self.ask(
                        "HeadObject",
                        json!({"Bucket": bucket, "Key": key}),
                        Purpose::Artefact,
                    );
                }
                let report =
                    package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].as_str();
                if let Some((bucket, key)) = report.and_then(s3_parts) {
                    self.ask(
                        "GetObject",
                        json!({"Bucket": bucket, "Key": key}),
                        Purpose::Evaluation,
                    );
                }
                self.candidate = Partial {
                    arn,
                    package,
                    ..Partial::default()
                };
            }
            Err(error) => {
                self.candidate.incomplete = true;
                self.gap("DescribeModelPackage", error);
            }
        }
    }

    fn complete_candidate(&mut self) {
        let Partial {
            arn,
            package,
            artefact,
            evaluation,
            incomplete,
        } = std::mem::take(&mut self.candidate);
        if !incomplete && !arn.is_empty() {
            self.observed.candidate = Some(Candidate {
                arn,
                package,
                artefact,
                evaluation,
            });
        }
    }
}

impl Machine for Observe {
    type Output = Observed;

    fn next(&mut self, now: Timestamp) -> Next {
        if self.queue.is_empty() && self.pending.is_empty() {
            self.advance();
        }
        if self.queue.is_empty() && self.pending.is_empty() {
            self.complete_candidate();
            self.observed.at = Some(now);
            return Next::Done;
        }
        let queue = std::mem::take(&mut self.queue);
        Next::Calls(
            queue
                .into_iter()
                .map(|(call, purpose)| self.pending.add(call, purpose))
                .collect(),
        )
    }

    fn done(&mut self, id: CallId, answer: Answer, _now: Timestamp) {
        let Some(purpose) = self.pending.take(id) else {
            return;
        };
        match purpose {
            Purpose::Describe { kind, name } => self.described(kind, name, answer),
            tags @ Purpose::Tags { .. } => self.tagged(tags, answer),
            Purpose::List(listing) => self.listed(listing, answer),
            Purpose::Steps => match answer {
                Ok(page) => {
                    self.observed.steps = page["PipelineExecutionSteps"].as_array().cloned();
                }
                Err(error) => self.gap("ListPipelineExecutionSteps", error),
            },
            Purpose::Package { arn } => self.package(arn, answer),
            Purpose::Artefact => match answer {
                Ok(head) => self.candidate.artefact = head,
                Err(error) => {
                    self.candidate.incomplete = true;
                    self.gap("HeadObject of the artefact", error);
                }
            },
            Purpose::Evaluation => match answer {
                Ok(object) => {
                    let report = object["Body"]
                        .as_str()
                        .and_then(|text| serde_json::from_str(text).ok());
                    self.candidate.evaluation = report;
                }
                Err(error) => self.gap("GetObject of the evaluation", error),
            },
        }
    }

    fn finish(self) -> Observed {
        self.observed
    }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
