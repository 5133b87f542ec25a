//! The lists that an observation reads, page by page.
//!
//! Executions and packages grow for ever, so they are read from the newest on and only until what is
//! looked for is found: every attempt at a run after the first found is older and counts less, and so
//! does every package. What is not among the newest is, for the planner, not there; it is told that
//! the list was cut.

use serde_json::{Value, json};

use crate::limits::NEWEST_PAGES_MAX;
use crate::plan::observed::Newest;
use crate::plan::run;
use crate::resource::desired::Run;

/// A list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// The versions in the run's package group.
    Packages,
    /// The executions of its pipeline.
    Executions,
}

/// A list that is being read.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub(super) list: List,
    so_far: Vec<Value>,
    pages: usize,
}

/// What a page leads to.
pub(super) enum Page {
    /// Another one: the request for it.
    More(Value, Listing),
    /// The end, as far as it is read.
    End(Newest),
}

impl List {
    pub(super) fn op(self) -> &'static str {
        match self {
            Self::Packages => "ListModelPackages",
            Self::Executions => "ListPipelineExecutions",
        }
    }

    fn items(self) -> &'static str {
        match self {
            Self::Packages => "ModelPackageSummaryList",
            Self::Executions => "PipelineExecutionSummaries",
        }
    }

    /// The request for a page: the first, or the one that `token` names.
    fn request(self, run: &Run, token: Option<&str>) -> Value {
        let mut request = json!({
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": 100,
        });
        let (parent, name) = match self {
            Self::Packages => ("ModelPackageGroupName", &run.group),
            Self::Executions => ("PipelineName", &run.pipeline),
        };
        request[parent] = name.clone().into();
        if let Some(token) = token {
            request["NextToken"] = token.into();
        }
        request
    }

    /// Whether what is older cannot matter.
    fn suffices(self, run: &Run, so_far: &[Value]) -> bool {
        match self {
            Self::Packages => run::package(so_far, run).is_some(),
            Self::Executions => run::latest_execution(so_far, run).is_some(),
        }
    }
}

impl Listing {
    /// The first request of a list.
    pub(super) fn begin(list: List, run: &Run) -> (Value, Self) {
        let listing = Self {
            list,
            so_far: Vec::new(),
            pages: 1,
        };
        (list.request(run, None), listing)
    }

    /// Takes a page.
    pub(super) fn page(mut self, run: &Run, mut page: Value) -> Page {
        if let Some(Value::Array(items)) = page.get_mut(self.list.items()).map(Value::take) {
            self.so_far.extend(items);
        }
        let token = page["NextToken"].as_str();
        let found = self.list.suffices(run, &self.so_far);
        match token.filter(|_| !found) {
            Some(token) if self.pages < NEWEST_PAGES_MAX => {
                self.pages += 1;
                Page::More(self.list.request(run, Some(token)), self)
            }
            rest => Page::End(Newest {
                items: self.so_far,
                cut: rest.is_some(),
            }),
        }
    }
}
