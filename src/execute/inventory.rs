//! What settled units looked like when they were last described: enough for a list to tell whether
//! they still do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::model::ModelPass;
use crate::clock::Timestamp;
use crate::plan::observed::{Look, Observed};
use crate::resource::call::Scope;
use crate::resource::canonical;
use crate::resource::kind::{Kind, Listed};
use crate::resource::kinds::kind;
use crate::resource::owner::Tags;

/// What tells two states of a resource apart: a digest over what lists show of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp([u8; 16]);

/// One resource as it was described.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Its kind, one that is listed.
    pub kind: &'static Kind,
    /// Its name.
    pub name: Box<str>,
    /// What it looked like.
    pub stamp: Stamp,
}

impl Stamp {
    /// The stamp of a description, or of a list's item; only `Search` shows tags. They are given in
    /// the order of their keys.
    pub fn of<'t>(
        listed: &Listed,
        body: &Value,
        tags: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Self {
        let mut shown = Vec::with_capacity(SHOWN_BYTES);
        for member in listed.members {
            canonical::write(&mut shown, &body[*member]);
            shown.push(b'\n');
        }
        let tags = tags.into_iter().filter(|_| listed.resource.is_some());
        for text in tags.flat_map(|(key, value)| [key, value]) {
            shown.extend(text.len().to_le_bytes());
            shown.extend(text.as_bytes());
        }
        let digest = canonical::sha256(&shown);
        let mut stamp = [0; 16];
        stamp.copy_from_slice(&digest.as_bytes()[..16]);
        Self(stamp)
    }
}

/// About as much as lists show of a resource.
const SHOWN_BYTES: usize = 1024;

/// The marks of everything that was seen and is of a kind that is listed.
pub fn marks(observed: &Observed) -> Vec<Mark> {
    let mark = |(word, name, look): (&str, &str, &Look)| {
        let kind = kind(word)?;
        let (Some(listed), Look::Present(object)) = (&kind.listed, look) else {
            return None;
        };
        Some(Mark {
            kind,
            name: name.into(),
            stamp: Stamp::of(listed, &object.body, in_order(&object.tags)),
        })
    };
    observed.looks().filter_map(mark).collect()
}

/// Tags as they are stamped.
pub(super) fn in_order(tags: &Tags) -> impl Iterator<Item = (&str, &str)> {
    tags.iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
}

/// A model as it was described: since when that is known, and what was seen of its units.
#[derive(Debug, Clone)]
struct Described {
    at: Timestamp,
    units: Box<[Unit]>,
}

/// What was seen of a unit, and where. There are thousands: a scope is kept once.
type Unit = (Arc<Scope>, Box<[Mark]>);

/// The models of a repository of which every unit is settled, by folder.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    models: BTreeMap<Arc<str>, Described>,
    scopes: BTreeSet<Arc<Scope>>,
}

impl Inventory {
    /// Takes what a pass that began `at` saw in place of what was seen before. A model that is not
    /// settled is to be looked at by name, whatever lists show.
    pub fn record(&mut self, folder: &str, pass: &ModelPass, at: Timestamp) {
        if !pass.is_settled() {
            return self.forget(folder);
        }
        let units = pass.units.iter();
        let units = units.map(|unit| (unit.plan.scope.clone(), unit.marks.clone()));
        self.insert(folder, units.collect(), at);
    }

    /// A model, with what was seen of its units.
    pub(super) fn insert(&mut self, folder: &str, units: Vec<(Scope, Vec<Mark>)>, at: Timestamp) {
        let units = units.into_iter();
        let units = units.map(|(scope, marks)| (self.kept(scope), marks.into_boxed_slice()));
        let units = units.collect();
        self.models.insert(folder.into(), Described { at, units });
    }

    fn kept(&mut self, scope: Scope) -> Arc<Scope> {
        let scope = Arc::new(scope);
        let known = self.scopes.get(&scope).cloned();
        known.unwrap_or_else(|| {
            self.scopes.insert(scope.clone());
            scope
        })
    }

    /// Drops a model.
    pub fn forget(&mut self, folder: &str) {
        self.models.remove(folder);
    }

    /// Whether lists can tell whether the model in `folder` is as it was.
    pub fn holds(&self, folder: &str) -> bool {
        self.models.contains_key(folder)
    }

    /// Every mark with its model's folder, and when the model was described.
    pub(super) fn marks(&self) -> impl Iterator<Item = (&Arc<str>, Timestamp, &Scope, &Mark)> {
        self.models.iter().flat_map(|(folder, described)| {
            let units = described.units.iter();
            let marks =
                units.flat_map(|(scope, marks)| marks.iter().map(move |mark| (&**scope, mark)));
            marks.map(move |(scope, mark)| (folder, described.at, scope, mark))
        })
    }
}
