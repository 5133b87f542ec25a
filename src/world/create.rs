//! What is alike in all kinds: putting a record on the shelf, showing it, taking it off.

use serde_json::{Map, Value, json};

use super::World;
use super::kind::{Id, Kind, split_arn};
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, epoch};
use super::{endpoint_config, shape};
use crate::resource::call::Scope;

impl World {
    /// Answers the Create of a kind without a machine.
    pub(super) fn create(&mut self, kind: &'static Kind, request: &Request<'_>) -> Reply {
        let name = request.text(kind.name);
        let mut body = Value::Object(shape::echo(kind.describe, &request.body));
        self.free(kind, request.scope, name)?;
        match kind.id {
            Id::Model => self.check_model(&mut body, request)?,
            Id::EndpointConfig => self.check_endpoint_config(&mut body, request)?,
            Id::DataQuality | Id::ModelQuality | Id::ModelBias | Id::ModelExplainability => {
                endpoint_config::job_defaults(&mut body);
            }
            Id::Experiment | Id::Trial | Id::TrialComponent | Id::Action | Id::Context => {
                self.check_entity(&mut body, request)?;
            }
            Id::PackageGroup => {
                body["ModelPackageGroupStatus"] = json!("Completed");
                body["CreatedBy"] = user(request.scope);
            }
            _ => {}
        }
        self.put(kind, request, name, body, State::Plain)
    }

    /// Answers a Describe: the body as it stands.
    pub(super) fn describe(&self, kind: &'static Kind, request: &Request<'_>) -> Reply {
        self.find(kind, request).map(|record| record.body.clone())
    }

    /// Answers a Delete that nothing hinders.
    pub(super) fn delete(&mut self, kind: &'static Kind, request: &Request<'_>) -> Reply {
        self.find(kind, request)?;
        let key = self.key(kind, request.scope, request.text(kind.name));
        self.drop_record(&key);
        Ok(json!({}))
    }

    /// The record that a request names by name or ARN, or the refusal that there is none.
    pub(super) fn find(
        &self,
        kind: &'static Kind,
        request: &Request<'_>,
    ) -> Result<&Record, Refusal> {
        let (scope, name) = named(kind, request.scope, request.text(kind.name));
        // Packages are read across accounts; nothing else is.
        let open = kind.id == Id::Package && request.op.starts_with("Describe");
        self.records
            .get(&Key::new(kind.id, &scope, &name))
            .filter(|_| open || scope == *request.scope)
            .ok_or_else(|| kind.missing(&scope, &name))
    }

    /// The key of a name, or of an ARN, which may be of another account or region.
    #[expect(clippy::unused_self, reason = "reads as the lookup that it is part of")]
    pub(super) fn key(&self, kind: &Kind, scope: &Scope, name: &str) -> Key {
        let (scope, name) = named(kind, scope, name);
        Key::new(kind.id, &scope, &name)
    }

    /// Refuses a name that is taken.
    pub(super) fn free(&self, kind: &Kind, scope: &Scope, name: &str) -> Result<(), Refusal> {
        match self.records.get(&Key::new(kind.id, scope, name)) {
            Some(_) => Err(kind.exists(scope, name)),
            None => Ok(()),
        }
    }

    /// Puts a new record on the shelf with its name, ARN, time and tags; answers with its ARN.
    pub(super) fn put(
        &mut self,
        kind: &Kind,
        request: &Request<'_>,
        name: &str,
        mut body: Value,
        state: State,
    ) -> Reply {
        let arn = kind.arn(request.scope, name);
        self.put_tags(&arn, request.items("Tags"))?;
        if let Some(body) = body.as_object_mut() {
            body.insert(kind.arn.to_owned(), Value::from(arn.as_str()));
            body.insert("CreationTime".to_owned(), epoch(request.now));
        }
        let record = Record {
            seq: self.next(),
            scope: request.scope.clone(),
            name: name.to_owned(),
            body,
            state,
        };
        self.records
            .insert(&Key::new(kind.id, request.scope, name), record);
        let mut answer = Map::new();
        answer.insert(kind.arn.to_owned(), Value::from(arn));
        Ok(Value::Object(answer))
    }

    /// Takes a record off the shelf, and its tags with it.
    pub(super) fn drop_record(&mut self, key: &Key) {
        if let Some(record) = self.records.remove(key) {
            let arn = key.id.kind().arn(&record.scope, &record.name);
            self.drop_tags(&arn);
        }
    }
}

fn named(kind: &Kind, scope: &Scope, name: &str) -> (Scope, String) {
    split_arn(name)
        .and_then(|(scope, rest)| {
            let name = rest.strip_prefix(kind.path)?.strip_prefix('/')?;
            Some((scope, name.to_owned()))
        })
        .unwrap_or_else(|| (scope.clone(), name.to_owned()))
}

/// Who the service says has made something.
pub(super) fn user(scope: &Scope) -> Value {
    json!({"IamIdentity": {
        "Arn": format!("arn:aws:iam::{}:user/caller", scope.account),
        "PrincipalId": "AIDACALLER",
    }})
}
