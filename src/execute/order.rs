//! Writes an order to roll back into a tag of the endpoint, if that is ours.

use serde_json::{Value, json};

use super::pending::Pending;
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::limits::LIST_PAGES_MAX;
use crate::plan::overriding::Override;
use crate::resource::call::{Answer, Call, OpError, Scope};
use crate::resource::error::Class;
use crate::resource::kinds::ENDPOINT;
use crate::resource::owner::{self, OVERRIDE, Tags};

/// The machine that gives one order.
#[derive(Debug, Clone)]
pub struct GiveOrder {
    scope: Scope,
    endpoint: String,
    owner: String,
    order: Override,
    next: Option<(Call, Asked)>,
    pending: Pending<Asked>,
    ended: Result<(), Refused>,
}

/// What is asked.
#[derive(Debug, Clone)]
enum Asked {
    Endpoint,
    Tags {
        arn: String,
        so_far: Tags,
        pages: usize,
    },
    Writing,
}

/// Why an order was not given, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no endpoint.
    #[error("there is no endpoint `{name}` in {scope}")]
    NoEndpoint {
        /// Its name.
        name: String,
        /// Where.
        scope: Scope,
    },
    /// It is somebody else's.
    #[error("the endpoint `{name}` in {scope} is not ours: its owner tag is not `{owner}`")]
    NotOurs {
        /// Its name.
        name: String,
        /// Where.
        scope: Scope,
        /// Whose it should be.
        owner: String,
    },
    /// A call failed.
    #[error("{0}")]
    Call(OpError),
    /// It broke off.
    #[error("the endpoint was not looked at")]
    BrokenOff,
}

impl GiveOrder {
    /// Gives `order` to the endpoint of `owner`.
    pub fn new(scope: &Scope, endpoint: &str, owner: &str, order: Override) -> Self {
        let describe = Call::new(ENDPOINT.ops.describe, scope, ENDPOINT.located(endpoint));
        Self {
            scope: scope.clone(),
            endpoint: endpoint.to_owned(),
            owner: owner.to_owned(),
            order,
            next: Some((describe, Asked::Endpoint)),
            pending: Pending::default(),
            ended: Err(Refused::BrokenOff),
        }
    }

    fn ask(&mut self, op: &'static str, body: Value, asked: Asked) {
        self.next = Some((Call::new(op, &self.scope, body), asked));
    }

    fn described(&mut self, body: &Value) {
        let arn = body["EndpointArn"].as_str().unwrap_or_default().to_owned();
        let request = json!({"ResourceArn": arn});
        let asked = Asked::Tags {
            arn,
            so_far: Tags::new(),
            pages: 1,
        };
        self.ask("ListTags", request, asked);
    }

    fn tagged(&mut self, arn: String, mut so_far: Tags, pages: usize, page: &Value) {
        so_far.extend(owner::from_list(&page["Tags"]));
        if let Some(token) = page["NextToken"].as_str()
            && pages < LIST_PAGES_MAX
        {
            let request = json!({"ResourceArn": arn, "NextToken": token});
            let pages = pages + 1;
            return self.ask("ListTags", request, Asked::Tags { arn, so_far, pages });
        }
        if !owner::owns(&so_far, &self.owner, &self.endpoint) {
            self.ended = Err(Refused::NotOurs {
                name: self.endpoint.clone(),
                scope: self.scope.clone(),
                owner: self.owner.clone(),
            });
            return;
        }
        let tags = Tags::from([(OVERRIDE.to_owned(), self.order.text())]);
        let request = json!({"ResourceArn": arn, "Tags": owner::to_list(&tags)});
        self.ask("AddTags", request, Asked::Writing);
    }
}

impl Machine for GiveOrder {
    type Output = Result<(), Refused>;

    fn next(&mut self, _now: Timestamp) -> Next {
        match self.next.take() {
            Some((call, asked)) => Next::Calls(vec![self.pending.add(call, asked)]),
            None => Next::Done,
        }
    }

    fn done(&mut self, id: CallId, answer: Answer, _now: Timestamp) {
        let Some(asked) = self.pending.take(id) else {
            return;
        };
        match (asked, answer) {
            (Asked::Endpoint, Ok(body)) => self.described(&body),
            (Asked::Tags { arn, so_far, pages }, Ok(page)) => {
                self.tagged(arn, so_far, pages, &page);
            }
            (Asked::Writing, Ok(_)) => self.ended = Ok(()),
            (Asked::Endpoint, Err(error)) if error.class == Class::NotFound => {
                self.ended = Err(Refused::NoEndpoint {
                    name: self.endpoint.clone(),
                    scope: self.scope.clone(),
                });
            }
            (_, Err(error)) => self.ended = Err(Refused::Call(error)),
        }
    }

    fn finish(self) -> Self::Output {
        self.ended
    }
}
