//! The model of the services: the shapes of what is asked and answered.
//!
//! Read once from `service.txt` and `neighbours.txt`. [`check`] holds requests against it, and the
//! protocols of the wire are read and written by it.

mod check;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

#[cfg(test)]
pub(super) use check::answer_faults;
pub(super) use check::{only_known, request};

use super::pattern::Pattern;

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let mut service = Service::default();
    service.read(include_str!("../service.txt"));
    service.read(include_str!("../neighbours.txt"));
    service
});

#[derive(Default)]
struct Service {
    requests: BTreeMap<&'static str, Vec<Member>>,
    responses: BTreeMap<&'static str, Vec<Member>>,
    routes: BTreeMap<&'static str, (&'static str, &'static str)>,
    shapes: BTreeMap<&'static str, Shape>,
    errors: Vec<Fault>,
}

/// A member of a structure.
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: &'static str,
    /// Where a request carries it.
    pub(crate) site: Site,
    required: bool,
    shape: &'static str,
}

/// Where a request carries a member, where the protocol says so member by member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// In its body.
    Body,
    /// In its path, under a name.
    Path(&'static str),
    /// In what follows the path, under a name.
    Query(&'static str),
}

/// How long or how much.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
}

/// What values there are.
pub(crate) enum Shape {
    Struct(Vec<Member>),
    List(List),
    Map(Entries),
    /// One of some words.
    Enum(Vec<&'static str>),
    Text(Bounds, Option<Pattern>),
    /// Bytes, which are base64 here.
    Blob(Bounds),
    Integer(Bounds),
    Float(Bounds),
    Boolean,
    /// An instant, which is seconds since the epoch here.
    Timestamp,
}

/// Many of a kind.
pub(crate) struct List {
    bounds: Bounds,
    item: &'static str,
    /// What a form and XML call an item.
    pub(crate) name: &'static str,
    /// Whether the items stand where the list would.
    pub(crate) flat: bool,
}

/// Values by keys.
pub(crate) struct Entries {
    bounds: Bounds,
    key: &'static str,
    item: &'static str,
    /// What a form and XML call a key, and its value.
    pub(crate) names: (&'static str, &'static str),
    /// What they call an entry of a map that is flat, where it is not the member's own name.
    pub(crate) name: Option<&'static str>,
    /// Whether the entries stand where the map would.
    pub(crate) flat: bool,
}

/// An error that the model of a service names.
pub(crate) struct Fault {
    /// What the names of the service's shapes begin with.
    prefix: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// Its code in the query protocol.
    pub(crate) code: &'static str,
    /// Its HTTP status.
    pub(crate) status: u16,
}

impl Member {
    /// What it is.
    pub(crate) fn shape(&self) -> Option<&'static Shape> {
        SERVICE.shapes.get(self.shape)
    }
}

impl List {
    /// What an item is.
    pub(crate) fn item(&self) -> Option<&'static Shape> {
        SERVICE.shapes.get(self.item)
    }
}

impl Entries {
    /// What a value is.
    pub(crate) fn item(&self) -> Option<&'static Shape> {
        SERVICE.shapes.get(self.item)
    }
}

/// The members of a request to `op`.
pub(crate) fn asked(op: &str) -> &'static [Member] {
    SERVICE.requests.get(op).map_or(&[], Vec::as_slice)
}

/// The members of an answer of `op`.
pub(crate) fn answered(op: &str) -> &'static [Member] {
    SERVICE.responses.get(op).map_or(&[], Vec::as_slice)
}

/// The method and the path of a request to `op`, where its protocol has one for each operation.
pub(crate) fn route(op: &str) -> Option<(&'static str, &'static str)> {
    SERVICE.routes.get(op).copied()
}

/// What the model says of an error, by its name or by its code in the query protocol, in the
/// service whose shapes' names begin with `prefix`.
pub(crate) fn fault(prefix: &str, code: &str) -> Option<&'static Fault> {
    let own = || SERVICE.errors.iter().filter(|fault| fault.prefix == prefix);
    let named = own().find(|fault| fault.name == code);
    named.or_else(|| own().find(|fault| fault.code == code))
}

/// What of `body` the answer of `op` shows: a Describe echoes what was given to Create.
pub(super) fn echo(op: &str, body: &Map<String, Value>) -> Map<String, Value> {
    answered(op)
        .iter()
        .filter_map(|member| Some((member.name.to_owned(), body.get(member.name)?.clone())))
        .collect()
}

/// Whether the service model has an operation `op` that this room knows the shapes of.
#[cfg(test)]
pub(super) fn knows(op: &str) -> bool {
    SERVICE.requests.contains_key(op)
}

/// The members of a request to `op`.
#[cfg(test)]
pub(super) fn members(op: &str) -> Vec<&'static str> {
    asked(op).iter().map(|member| member.name).collect()
}
