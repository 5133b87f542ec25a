//! Looks at what one unit's plan needs to know: no more, and by name.
//!
//! Absence is concluded from a Describe that says so. A look that failed is a gap.

use serde_json::{Value, json};

use super::pending::Pending;
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::limits::{LIST_PAGES_MAX, OBSERVE_ROUNDS_MAX};
use crate::plan::candidate::Candidate;
use crate::plan::observed::{Gap, Look, Object, Observed};
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
    desired: Desired,
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
    Executions {
        so_far: Vec<Value>,
        pages: usize,
    },
    Packages {
        so_far: Vec<Value>,
        pages: usize,
    },
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
    Lists,
    Run,
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
    pub fn new(desired: &Desired) -> Self {
        Self {
            desired: desired.clone(),
            observed: Observed::default(),
            pending: Pending::default(),
            queue: Vec::new(),
            rounds: 0,
            stage: Stage::Lists,
            candidate: Partial::default(),
        }
    }

    fn ask(&mut self, op: &'static str, body: Value, purpose: Purpose) {
        self.queue
            .push((Call::new(op, &self.desired.scope, body), purpose));
    }

    /// Queues the looks of the next stage that has any.
    fn advance(&mut self) {
        while self.queue.is_empty() && self.stage != Stage::Done {
            match (self.stage, self.desired.run.clone()) {
                (Stage::Lists, Some(run)) => self.lists(&run),
                (Stage::Run, Some(run)) => self.run(&run),
                (Stage::Resources, _) => {
                    self.resources();
                    if !self.queue.is_empty() {
                        return;
                    }
                }
                _ => {}
            }
            self.stage = match self.stage {
                Stage::Lists => Stage::Run,
                Stage::Run => Stage::Resources,
                Stage::Resources | Stage::Done => Stage::Done,
            };
        }
    }

    fn lists(&mut self, run: &Run) {
        let executions = json!({"PipelineName": run.pipeline, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100});
        self.ask(
            "ListPipelineExecutions",
            executions,
            Purpose::Executions {
                so_far: Vec::new(),
                pages: 1,
            },
        );
        let packages = json!({"ModelPackageGroupName": run.group, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100});
        self.ask(
            "ListModelPackages",
            packages,
            Purpose::Packages {
                so_far: Vec::new(),
                pages: 1,
            },
        );
    }

    /// What the lists lead to: the candidate's details, or why the run failed.
    fn run(&mut self, run: &Run) {
        let packages = self.observed.packages.clone().unwrap_or_default();
        if let Some(arn) =
            run::package(&packages, run).and_then(|package| package["ModelPackageArn"].as_str())
        {
            let purpose = Purpose::Package {
                arn: arn.to_owned(),
            };
            self.ask(
                "DescribeModelPackage",
                json!({"ModelPackageName": arn}),
                purpose,
            );
            return;
        }
        if let Some(arn) =
            run::trained(&packages, run).and_then(|package| package["ModelPackageArn"].as_str())
        {
            let purpose = Purpose::Describe {
                kind: &MODEL_PACKAGE,
                name: arn.to_owned(),
            };
            self.ask(
                "DescribeModelPackage",
                json!({"ModelPackageName": arn}),
                purpose,
            );
        }
        let executions = self.observed.executions.clone().unwrap_or_default();
        let latest = run::latest_execution(&executions, run);
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
            Ok(body) => match kind.arn.map(|arn| body[arn].clone()) {
                Some(arn) => {
                    let purpose = Purpose::Tags {
                        kind,
                        name,
                        body,
                        so_far: Tags::new(),
                        pages: 1,
                    };
                    self.ask("ListTags", json!({"ResourceArn": arn}), purpose);
                }
                None => self.observed.record(
                    kind,
                    &name,
                    Look::Present(Object {
                        body,
                        tags: Tags::new(),
                    }),
                ),
            },
            Err(error)
                if error.class == Class::NotFound || self.desired.broken == Broken::GapIsAbsent =>
            {
                self.observed.record(kind, &name, Look::Absent);
            }
            Err(error) => self.observed.record(kind, &name, Look::Unknown(error)),
        }
    }

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
        match answer {
            Ok(page) => {
                so_far.extend(owner::from_list(&page["Tags"]));
                match (page["NextToken"].as_str(), pages < LIST_PAGES_MAX) {
                    (Some(token), true) => {
                        let arn = kind.arn.map(|arn| body[arn].clone());
                        let request = json!({"ResourceArn": arn, "NextToken": token});
                        self.ask(
                            "ListTags",
                            request,
                            Purpose::Tags {
                                kind,
                                name,
                                body,
                                so_far,
                                pages: pages + 1,
                            },
                        );
                    }
                    _ => self.observed.record(
                        kind,
                        &name,
                        Look::Present(Object { body, tags: so_far }),
                    ),
                }
            }
            Err(error) => self.observed.record(kind, &name, Look::Unknown(error)),
        }
    }

    /// One page of a list; the next is asked for. `Some` when it is complete. A list of a parent
    /// that does not exist is empty.
    fn listed(
        &mut self,
        (op, parent, items): (&'static str, Value, &str),
        (mut so_far, pages): (Vec<Value>, usize),
        answer: Answer,
        again: fn(Vec<Value>, usize) -> Purpose,
    ) -> Option<Vec<Value>> {
        match answer {
            Ok(page) => {
                so_far.extend(page[items].as_array().into_iter().flatten().cloned());
                let Some(token) = page["NextToken"].as_str() else {
                    return Some(so_far);
                };
                if pages == LIST_PAGES_MAX {
                    let words = format!("more than {LIST_PAGES_MAX} pages");
                    self.gap(op, OpError::refused(op, "TooManyPages", words));
                    return None;
                }
                let mut request = parent;
                request["NextToken"] = token.into();
                self.ask(op, request, again(so_far, pages + 1));
                None
            }
            Err(error) if error.class == Class::NotFound => Some(Vec::new()),
            Err(error) => {
                self.gap(op, error);
                None
            }
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
        } = self.candidate.clone();
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
            Purpose::Executions { so_far, pages } => {
                let pipeline = self.desired.run.as_ref().map(|run| run.pipeline.clone());
                let list = (
                    "ListPipelineExecutions",
                    json!({"PipelineName": pipeline, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}),
                    "PipelineExecutionSummaries",
                );
                let again = |so_far, pages| Purpose::Executions { so_far, pages };
                if let Some(all) = self.listed(list, (so_far, pages), answer, again) {
                    self.observed.executions = Some(all);
                }
            }
            Purpose::Packages { so_far, pages } => {
                let group = self.desired.run.as_ref().map(|run| run.group.clone());
                let list = (
                    "ListModelPackages",
                    json!({"ModelPackageGroupName": group, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}),
                    "ModelPackageSummaryList",
                );
                let again = |so_far, pages| Purpose::Packages { so_far, pages };
                if let Some(all) = self.listed(list, (so_far, pages), answer, again) {
                    self.observed.packages = Some(all);
                }
            }
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
