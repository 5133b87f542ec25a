//! Looks for everything that carries a unit's names, so that what no commit asks for any more is
//! seen. A list only says where to look: each thing is described, and its tags say whose it is.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use super::pending::Pending;
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::compile::serve::stem;
use crate::limits::{LIST_PAGES_MAX, SURVEY_NAMES_MAX};
use crate::plan::observed::{Gap, Object};
use crate::plan::survey::{Found, Survey};
use crate::resource::call::{Answer, Call, OpError, Scope};
use crate::resource::desired::Desired;
use crate::resource::error::Class;
use crate::resource::kind::{Kind, Within};
use crate::resource::kinds::KINDS;
use crate::resource::name::beginning;
use crate::resource::owner::{self, Tags};

/// The survey of one unit.
#[derive(Debug, Clone)]
pub struct Surveying {
    scope: Scope,
    /// What the names begin with.
    start: String,
    asked: BTreeSet<(&'static str, String)>,
    queue: VecDeque<(Call, Purpose)>,
    pending: Pending<Purpose>,
    survey: Survey,
    gaps: Vec<Gap>,
}

#[derive(Debug, Clone)]
enum Purpose {
    List(&'static Kind, Within, usize),
    Describe(&'static Kind, String),
    Tags(Found, usize),
}

impl Surveying {
    /// A survey of the unit that `desired` is about.
    pub fn new(desired: &Desired) -> Self {
        let unit = &desired.unit;
        let names = if unit.is_home() {
            unit.model.clone()
        } else {
            stem(&unit.model, &unit.place)
        };
        let mut survey = Self {
            scope: desired.scope.clone(),
            start: beginning(&names).to_owned(),
            asked: BTreeSet::new(),
            queue: VecDeque::new(),
            pending: Pending::default(),
            survey: Survey::default(),
            gaps: Vec::new(),
        };
        for (kind, name) in &desired.former {
            survey.describe(kind, name);
        }
        // Nothing of home is named for its content.
        if !unit.is_home() {
            let listed = KINDS.iter().filter_map(|kind| Some((*kind, kind.within?)));
            listed.for_each(|(kind, within)| survey.list(kind, within, None, 1));
        }
        survey
    }

    fn ask(&mut self, op: &'static str, body: Value, purpose: Purpose) {
        let call = Call::new(op, &self.scope, body);
        self.queue.push_back((call, purpose));
    }

    fn list(&mut self, kind: &'static Kind, within: Within, token: Option<&Value>, page: usize) {
        let mut request = Map::new();
        request.insert(within.by.to_owned(), self.start.clone().into());
        if let Some(token) = token {
            request.insert("NextToken".to_owned(), token.clone());
        }
        let purpose = Purpose::List(kind, within, page);
        self.ask(within.op, request.into(), purpose);
    }

    /// Describes a name, once, and not more names than may be.
    fn describe(&mut self, kind: &'static Kind, name: &str) {
        let place = (kind.name, name.to_owned());
        // What carries no tags belongs to something that does, and goes with it.
        if kind.arn.is_none() || self.asked.contains(&place) {
            return;
        }
        if self.asked.len() == SURVEY_NAMES_MAX {
            self.survey.partial = true;
            return;
        }
        self.asked.insert(place);
        let purpose = Purpose::Describe(kind, name.to_owned());
        self.ask(kind.ops.describe, kind.located(name), purpose);
    }

    fn listed(&mut self, kind: &'static Kind, within: Within, page: usize, answer: &Value) {
        let names = answer[within.items].as_array().into_iter().flatten();
        for name in names.filter_map(|item| item[within.name].as_str()) {
            if name.starts_with(&self.start) {
                self.describe(kind, name);
            }
        }
        match &answer["NextToken"] {
            Value::Null => {}
            token if page < LIST_PAGES_MAX => self.list(kind, within, Some(token), page + 1),
            _ => self.survey.partial = true,
        }
    }

    fn tags(&mut self, found: Found, token: Option<&Value>, page: usize) {
        let arn = found.kind.arn.map(|arn| &found.object.body[arn]);
        let mut request = json!({"ResourceArn": arn});
        if let Some(token) = token {
            request["NextToken"] = token.clone();
        }
        self.ask("ListTags", request, Purpose::Tags(found, page));
    }

    fn tagged(&mut self, mut found: Found, page: usize, answer: &Value) {
        let tags = owner::from_list(&answer["Tags"]);
        found.object.tags.extend(tags);
        match &answer["NextToken"] {
            Value::Null => self.survey.found.push(found),
            token if page < LIST_PAGES_MAX => self.tags(found, Some(token), page + 1),
            _ => self.survey.partial = true,
        }
    }

    fn gap(&mut self, what: String, error: OpError) {
        self.survey.partial = true;
        self.gaps.push(Gap { what, error });
    }
}

impl Machine for Surveying {
    type Output = (Survey, Vec<Gap>);

    fn next(&mut self, _now: Timestamp) -> Next {
        if self.queue.is_empty() && self.pending.is_empty() {
            return Next::Done;
        }
        let queue = std::mem::take(&mut self.queue).into_iter();
        let calls = queue.map(|(call, purpose)| self.pending.add(call, purpose));
        Next::Calls(calls.collect())
    }

    fn done(&mut self, id: CallId, answer: Answer, _now: Timestamp) {
        let Some(purpose) = self.pending.take(id) else {
            return;
        };
        match (purpose, answer) {
            (Purpose::List(kind, within, page), Ok(answer)) => {
                self.listed(kind, within, page, &answer);
            }
            (Purpose::List(_, within, _), Err(error)) => self.gap(within.op.to_owned(), error),
            (Purpose::Describe(kind, name), Ok(body)) => {
                let tags = Tags::new();
                let object = Object { body, tags };
                self.tags(Found { kind, name, object }, None, 1);
            }
            // It went meanwhile.
            (Purpose::Describe(..) | Purpose::Tags(..), Err(error))
                if error.class == Class::NotFound => {}
            (Purpose::Describe(kind, name), Err(error)) => {
                self.gap(format!("{} {name}", kind.name), error);
            }
            (Purpose::Tags(found, page), Ok(answer)) => self.tagged(found, page, &answer),
            (Purpose::Tags(found, _), Err(error)) => {
                self.gap(format!("tags of {} {}", found.kind.name, found.name), error);
            }
        }
    }

    fn finish(mut self) -> Self::Output {
        let key = |found: &Found| (found.kind.rank, found.name.clone());
        self.survey.found.sort_by_key(key);
        (self.survey, self.gaps)
    }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
