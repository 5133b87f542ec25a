//! A resource that is not there is made, once what it stands on is ready.

use serde_json::Value;

use super::cause::Cause;
use super::planner::{Planner, subject};
use super::rollout;
use super::step::{Action, Effect, Expect, Guard};
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::canonical;
use crate::resource::desired::{Desired, Resource};
use crate::resource::kind::FieldClass;
use crate::resource::owner::{self, Tags};

impl Planner<'_> {
    pub(super) fn create(&mut self, resource: &Resource, name: &str, body: &Value) {
        let ordered = self.desired.broken != Broken::IgnoreOrder;
        let missing = resource
            .after
            .iter()
            .find(|key| ordered && !self.is_ready(key));
        if let Some(missing) = missing {
            let words = format!(
                "it is created once {} {} is ready",
                missing.kind,
                self.name_of(missing)
            );
            self.report.note(
                Cause::WaitingForDependency,
                subject(resource.kind, name),
                words,
            );
            return;
        }
        let Some(op) = resource.kind.ops.create else {
            let words = format!("`{name}` does not exist, and only a run can make it");
            self.report
                .note(Cause::OnlyARunMakesIt, subject(resource.kind, name), words);
            return;
        };
        let memory = rollout::creation_tags(self, resource);
        let request = create_body(self.desired, resource, name, body, memory);
        let mut call = Call::new(op, &self.desired.scope, request);
        if let Some(content) = &resource.content {
            match content.bytes() {
                Ok(bytes) => call.blob = Some(bytes),
                Err(error) => {
                    let words = format!("its archive cannot be made: {error}");
                    self.report
                        .note(Cause::ArchiveFailed, subject(resource.kind, name), words);
                    return;
                }
            }
        }
        let guards = resource
            .verify
            .iter()
            .map(|(call, expect)| Guard {
                call: call.clone(),
                expect: Expect::Covers(expect.clone()),
            })
            .collect();
        let text = self.why("it does not exist", "it is gone");
        self.push(
            Action::Create,
            resource,
            name.to_owned(),
            call,
            guards,
            Vec::new(),
            Effect::None,
            text,
        );
    }
}

/// The request that creates a resource: what is declared, its name, and whose it is.
fn create_body(
    desired: &Desired,
    resource: &Resource,
    name: &str,
    body: &Value,
    memory: Tags,
) -> Value {
    let mut request = body.clone();
    if let (Some(members), Value::Object(located)) =
        (request.as_object_mut(), resource.kind.located(name))
    {
        for field in resource
            .kind
            .fields
            .iter()
            .filter(|field| field.class == FieldClass::LiveOnly)
        {
            members.remove(field.path.trim_start_matches('/'));
        }
        members.extend(located);
    }
    if resource.kind.arn.is_some() {
        let mut tags = resource.tags.clone();
        tags.extend(memory);
        tags.insert(owner::OWNER.to_owned(), desired.owner.clone());
        tags.insert(owner::SELF.to_owned(), name.to_owned());
        tags.retain(|key, _| key != owner::SELF || desired.broken != Broken::ForgetSelf);
        tags.insert(
            owner::DIGEST.to_owned(),
            format!("v1:{}", canonical::digest(body)),
        );
        tags.insert(owner::COMMIT.to_owned(), desired.commit.clone());
        request["Tags"] = owner::to_list(&tags);
    }
    canonical::canonical(&request)
}
