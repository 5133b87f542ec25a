//! Tags, kept by ARN.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use super::kind::{locate, split_arn};
use super::list::paged;
use super::records::Key;
use super::request::{Refusal, Reply, Request, text};
use super::window::{Rank, Window};

/// Tags that one resource can carry.
const TAGS_MAX: usize = 50;

/// The tags of everything.
pub(super) type Tags = Arc<BTreeMap<String, Arc<BTreeMap<String, String>>>>;

impl World {
    /// Adds or overwrites, and answers with all tags.
    pub(super) fn add_tags(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.tagged(request)?;
        self.put_tags(&arn, request.items("Tags"))?;
        Ok(json!({"Tags": shown(self.tags.get(&arn).map(|tags| &**tags))}))
    }

    pub(super) fn list_tags(&self, request: &Request<'_>) -> Reply {
        let arn = self.tagged(request)?;
        // A page is in the order of keys: newest first means nothing here.
        let window = Window::ascending(request, "MaxResults", TAGS_MAX)?;
        let from = match window.after() {
            Some((Rank::Text(last), _)) => Bound::Excluded(last.as_str()),
            _ => Bound::Unbounded,
        };
        let tags = self.tags.get(&arn).into_iter();
        let tags = tags.flat_map(|tags| tags.range::<str, _>((from, Bound::Unbounded)));
        let place = |(key, _): &(&String, _)| (Rank::Text((*key).clone()), 0);
        let (page, next) = window.read(tags, place, |_| Ok(true))?;
        Ok(paged("Tags", page.into_iter().map(one).collect(), next))
    }

    pub(super) fn delete_tags(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.tagged(request)?;
        self.remove_tags(&arn, request.items("TagKeys"));
        Ok(json!({}))
    }

    /// Takes tags away by their keys.
    pub(super) fn remove_tags(&mut self, arn: &str, keys: &[Value]) {
        if let Some(tags) = Arc::make_mut(&mut self.tags).get_mut(arn) {
            let tags = Arc::make_mut(tags);
            for key in keys {
                tags.remove(key.as_str().unwrap_or(""));
            }
        }
    }

    /// Writes the tags of a Create or of `AddTags`.
    pub(super) fn put_tags(&mut self, arn: &str, tags: &[Value]) -> Result<(), Refusal> {
        if tags.is_empty() {
            return Ok(());
        }
        let mut all = self
            .tags
            .get(arn)
            .map(|tags| BTreeMap::clone(tags))
            .unwrap_or_default();
        for tag in tags {
            let key = text(tag, "Key");
            if key.to_ascii_lowercase().starts_with("aws:") {
                return Err(Refusal::invalid(
                    "aws: prefixed tag key names are not allowed for external use.",
                ));
            }
            all.insert(key.to_owned(), text(tag, "Value").to_owned());
        }
        if all.len() > TAGS_MAX {
            return Err(Refusal::invalid(format!(
                "The number of tags exceeds the limit of {TAGS_MAX} for {arn}"
            )));
        }
        Arc::make_mut(&mut self.tags).insert(arn.to_owned(), Arc::new(all));
        Ok(())
    }

    pub(super) fn drop_tags(&mut self, arn: &str) {
        if self.tags.contains_key(arn) {
            Arc::make_mut(&mut self.tags).remove(arn);
        }
    }

    /// The ARN that a request is about, if what it names exists in the caller's scope.
    fn tagged(&self, request: &Request<'_>) -> Result<String, Refusal> {
        let arn = request.text("ResourceArn").to_ascii_lowercase();
        let (kind, scope, name) = locate(&arn).ok_or_else(|| {
            let known = split_arn(&arn).is_some();
            let what = if known { "kind of resource" } else { "ARN" };
            Refusal::invalid(format!("The {what} of {arn} is not supported for tagging."))
        })?;
        if scope != *request.scope {
            return Err(Refusal::new(
                "AccessDeniedException",
                format!("not authorized to use the tags of {arn} of another account or region"),
            ));
        }
        match self.records.get(&Key::new(kind.id, &scope, &name)) {
            Some(_) => Ok(arn),
            None => Err(kind.missing(&scope, &name)),
        }
    }
}

fn shown(tags: Option<&BTreeMap<String, String>>) -> Vec<Value> {
    tags.into_iter().flatten().map(one).collect()
}

fn one((key, value): (&String, &String)) -> Value {
    json!({"Key": key, "Value": value})
}
