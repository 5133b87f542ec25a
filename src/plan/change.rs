//! A resource that is there is changed in place, marked, or taken away; right before, it is looked at
//! again.

use serde_json::{Value, json};

use super::observed::Object;
use super::planner::Planner;
use super::resolve::Resolved;
use super::rollout;
use super::step::{Action, Effect, Guard};
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::desired::{Change, Key, Resource};
use crate::resource::kind::{FieldClass, Update};
use crate::resource::owner::{self, Tags};

impl Planner<'_> {
    /// The calls that bring changes about in place.
    pub(super) fn update(
        &mut self,
        resource: &Resource,
        name: &str,
        body: &Value,
        object: &Object,
        changes: &[Change],
    ) {
        let named = resource.kind.references().next();
        let named_now = named.and_then(|(path, target)| {
            let name = object.body.pointer(path)?.as_str()?;
            Some(
                &self
                    .observed
                    .object(crate::resource::kinds::kind(target)?, name)?
                    .body,
            )
        });
        let named_wanted = named.and_then(|(path, target)| {
            let role = resource.body.pointer(path)?["$ref"].as_str()?;
            let key = Key {
                kind: target,
                role: role.to_owned(),
            };
            self.resolution
                .resources
                .get(&key)
                .and_then(|resolved| match resolved {
                    Resolved::Create { body, .. } | Resolved::Exists { body, .. } => Some(&**body),
                    _ => None,
                })
        });
        let update = Update {
            name,
            desired: body,
            observed: &object.body,
            changes,
            named_now,
            named_wanted,
        };
        let calls = (resource.kind.update)(&update);
        let words: Vec<_> = changes.iter().map(in_words).collect();
        let words = words.join(", ");
        let text = self.why("what runs differs", &words);
        let effect = rollout::update_effect(resource.kind, changes);
        for (op, mut body) in calls {
            if self.desired.broken == Broken::RetainNothing
                && let Some(retain) = body.get_mut("RetainAllVariantProperties")
            {
                *retain = Value::Bool(false);
            }
            let call = Call::new(op, &self.desired.scope, body);
            let guards = Guard::unchanged(self.desired, resource.kind, name, object);
            self.push(
                Action::Update,
                resource,
                name.to_owned(),
                call,
                guards,
                changes.to_vec(),
                effect,
                text.clone(),
            );
        }
    }

    /// Configured tags that are missing or differ. Ours are set at creation and never again: a
    /// resource that lost them is not ours.
    pub(super) fn missing_tags(&self, resource: &Resource, object: &Object) -> Vec<Change> {
        let wanted = resource.tags.iter();
        wanted
            .filter(|_| self.desired.broken != Broken::BlindToTags && resource.kind.arn.is_some())
            .filter(|(key, value)| object.tags.get(*key) != Some(value))
            .map(|(key, value)| Change {
                path: format!("{TAGS}{key}"),
                from: object.tags.get(key).map(|value| value.clone().into()),
                to: value.clone().into(),
                class: FieldClass::Live,
            })
            .collect()
    }

    /// Adds the tags that these changes are about.
    pub(super) fn tags(
        &mut self,
        resource: &Resource,
        name: &str,
        object: &Object,
        changes: Vec<Change>,
    ) {
        let Some(arn) = resource.kind.arn.filter(|_| !changes.is_empty()) else {
            return;
        };
        let missing: Tags = changes
            .iter()
            .filter_map(|change| {
                let key = change.path.strip_prefix(TAGS)?;
                Some((key.to_owned(), change.to.as_str()?.to_owned()))
            })
            .collect();
        let keys: Vec<_> = missing.keys().map(|key| format!("tag {key}")).collect();
        let text = self.why(
            &format!("it differs in {}", keys.join(", ")),
            &format!("{} differs", keys.join(", ")),
        );
        let call = self.add_tags(&object.body[arn], &missing);
        let guards = Guard::unchanged(self.desired, resource.kind, name, object);
        self.push(
            Action::Update,
            resource,
            name.to_owned(),
            call,
            guards,
            changes,
            Effect::Live,
            text,
        );
    }

    /// A note in the tags of a resource.
    pub(super) fn mark(
        &mut self,
        resource: &Resource,
        name: &str,
        arn: &Value,
        tag: (&str, String),
        text: String,
    ) {
        let call = self.add_tags(arn, &Tags::from([(tag.0.to_owned(), tag.1)]));
        let object = self.observed.object(resource.kind, name);
        let guards =
            object.and_then(|object| Guard::same_tags(self.desired, resource.kind, object));
        self.push(
            Action::Mark,
            resource,
            name.to_owned(),
            call,
            guards.into_iter().collect(),
            Vec::new(),
            Effect::None,
            text,
        );
    }

    fn add_tags(&self, arn: &Value, tags: &Tags) -> Call {
        Call::new(
            "AddTags",
            &self.desired.scope,
            json!({"ResourceArn": arn, "Tags": owner::to_list(tags)}),
        )
    }

    /// Takes a resource away, to make it anew.
    pub(super) fn delete(
        &mut self,
        resource: &Resource,
        name: &str,
        object: &Object,
        text: String,
    ) {
        let Some(op) = resource.kind.ops.delete else {
            return;
        };
        let call = Call::new(
            op,
            &self.desired.scope,
            resource.kind.deletion(name, &object.body),
        );
        let guards = Guard::unchanged(self.desired, resource.kind, name, object);
        self.push(
            Action::Delete,
            resource,
            name.to_owned(),
            call,
            guards,
            Vec::new(),
            Effect::Recreate,
            text,
        );
    }
}

/// Where a change of a tag is: its key follows.
const TAGS: &str = "/Tags/";

/// A difference, with its values where they are short enough to read.
pub(super) fn in_words(change: &Change) -> String {
    let short = |value: &Value| {
        Some(value.to_string()).filter(|text| text.len() <= SHORT_CHARS && !value.is_object())
    };
    match (change.from.as_ref().and_then(short), short(&change.to)) {
        (Some(from), Some(to)) => format!("{} is {from}, not {to}", change.path),
        _ => format!("{} differs", change.path),
    }
}

/// The longest value that a reason quotes.
const SHORT_CHARS: usize = 80;
