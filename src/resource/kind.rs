//! A kind of resource, as data: everything that the planner, the observer and the executor need to
//! know about it. One constant a file, listed in [`super::kinds`].

use serde::Serialize;
use serde_json::Value;

use super::canonical;
use super::desired::Change;
use super::owner::OWNER;

/// One kind.
pub struct Kind {
    /// Its name, as AWS writes it.
    pub name: &'static str,
    /// Order of creation; deletes go the other way.
    pub rank: u8,
    /// What a new one is called.
    pub naming: Naming,
    /// The member that names it in requests and answers.
    pub id: &'static str,
    /// The member of a description that holds its ARN; `None` where it cannot be tagged and belongs
    /// to its parent.
    pub arn: Option<&'static str>,
    /// The members that locate one in requests; `None`: the name under `id`.
    pub locate: Option<fn(&str) -> Value>,
    /// The operations, where they exist.
    pub ops: Ops,
    /// How all of them are listed, where a list tells which of them changed. What is immutable is
    /// not: it can only be taken away.
    pub listed: Option<Listed>,
    /// How those of one unit are found that no commit may know of any more.
    pub within: Option<Within>,
    /// How each declared member behaves. A declared member must have a line here.
    pub fields: &'static [Field],
    /// What state a description shows.
    pub status: fn(&Value) -> Status,
    /// The calls that bring changes about in place.
    pub update: fn(&Update<'_>) -> Vec<(&'static str, Value)>,
}

/// What a new resource is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// What it is: it can be changed in place.
    Mutable,
    /// What it contains: it can only be replaced.
    Digest,
}

/// Operation names.
#[derive(Debug, Clone, Copy)]
pub struct Ops {
    /// Creates one.
    pub create: Option<&'static str>,
    /// Describes one.
    pub describe: &'static str,
    /// Changes one.
    pub update: Option<&'static str>,
    /// Deletes one.
    pub delete: Option<&'static str>,
}

/// How all resources of a kind are listed, a page of them at a time.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// The operation: `Search`, or a list.
    pub op: &'static str,
    /// What `Search` searches: its records are descriptions, with tags.
    pub resource: Option<&'static str>,
    /// The request for the first page.
    pub request: fn() -> Value,
    /// The member of an answer that holds the items.
    pub items: &'static str,
    /// An item's name.
    pub name: fn(&Value) -> Option<String>,
    /// Members that items and descriptions share, and of which one differs after every change.
    pub members: &'static [&'static str],
}

/// How the resources of a kind are listed whose names begin alike.
#[derive(Debug, Clone, Copy)]
pub struct Within {
    /// The operation.
    pub op: &'static str,
    /// The member of the request that holds what names begin with, or contain.
    pub by: &'static str,
    /// The member of an answer that holds the items.
    pub items: &'static str,
    /// The member of an item that holds its name.
    pub name: &'static str,
}

impl Listed {
    /// The description in an item of a page.
    pub fn description<'a>(&self, item: &'a Value) -> &'a Value {
        self.resource.map_or(item, |resource| &item[resource])
    }
}

/// The request for those of a kind that somebody owns by tag, the oldest first: what is made
/// meanwhile moves no page.
pub fn owned(resource: &str) -> Value {
    serde_json::json!({
        "Resource": resource,
        "SearchExpression": {"Filters": [{"Name": format!("Tags.{OWNER}"), "Operator": "Exists"}]},
        "SortBy": "CreationTime",
        "SortOrder": "Ascending",
        "MaxResults": 100,
    })
}

/// How one member (and what is below it) behaves. The longest matching line counts.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// A JSON pointer in which `*` stands for any index.
    pub path: &'static str,
    /// When it can be changed.
    pub class: FieldClass,
    /// When two values are the same.
    pub compare: Compare,
}

impl Field {
    /// A member compared as it stands.
    pub const fn new(path: &'static str, class: FieldClass) -> Self {
        Self {
            path,
            class,
            compare: Compare::Exact,
        }
    }

    /// A member with a comparison of its own.
    pub const fn with(path: &'static str, class: FieldClass, compare: Compare) -> Self {
        Self {
            path,
            class,
            compare,
        }
    }

    /// Whether it is about this very pointer, and not about something above it.
    pub fn is_at(&self, pointer: &str) -> bool {
        self.path.split('/').count() == pointer.split('/').count()
    }
}

/// The member that makes a request one that counts once.
const TOKEN: &str = "/ClientRequestToken";

/// When a member can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FieldClass {
    /// At creation only: a change replaces the resource.
    CreateOnly,
    /// In place.
    Live,
    /// In place, and not part of the create request: it follows from another resource.
    LiveOnly,
    /// Set by the service: never compared.
    ServerSet,
    /// Sent, never returned: never compared.
    WriteOnly,
    /// Somebody else's: never compared.
    OwnedElsewhere,
}

/// When two values of a member are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Members declared are equal, lists item by item.
    Exact,
    /// Lists are sets.
    Unordered,
    /// Lists are maps keyed by this member.
    Keyed(&'static str),
    /// A map of which every entry is ours: one too many is a change too.
    WholeMap,
    /// Text that holds JSON.
    JsonText,
    /// The name of a resource of this kind.
    Reference(&'static str),
}

/// What a description says about the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Status {
    /// It is there and does its work.
    Ready,
    /// It is changing: nothing can be concluded.
    Moving(String),
    /// It is broken, and why.
    Failed(String),
    /// It is on its way out.
    Deleting,
}

/// What an update is computed from.
pub struct Update<'a> {
    /// The resource's name.
    pub name: &'a str,
    /// The whole desired body, references resolved.
    pub desired: &'a Value,
    /// The whole observed description.
    pub observed: &'a Value,
    /// What differs.
    pub changes: &'a [Change],
    /// The description of what a reference names now.
    pub named_now: Option<&'a Value>,
    /// The body of what it is to name.
    pub named_wanted: Option<&'a Value>,
}

impl Kind {
    /// The request that deletes the resource called `name`, which was seen so. Where requests carry a
    /// token it is that of this very resource: a second one of its name is another.
    pub fn deletion(&self, name: &str, seen: &Value) -> Value {
        let mut request = self.located(name);
        if self.fields.iter().any(|field| field.path == TOKEN) {
            let what = serde_json::json!({"delete": name, "made": seen["CreationTime"]});
            request[&TOKEN[1..]] = canonical::digest(&what).into();
        }
        request
    }

    /// The request members that locate the resource called `name`.
    pub fn located(&self, name: &str) -> Value {
        self.locate
            .map_or_else(|| serde_json::json!({self.id: name}), |locate| locate(name))
    }

    /// The line for a concrete pointer such as `/ProductionVariants/0/InstanceType`.
    pub fn field(&self, pointer: &str) -> Option<&'static Field> {
        self.fields
            .iter()
            .filter(|field| covers(field.path, pointer))
            .max_by_key(|field| field.path.len())
    }

    /// The lines that refer to other resources.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.fields.iter().filter_map(|field| match field.compare {
            Compare::Reference(kind) => Some((field.path, kind)),
            _ => None,
        })
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Whether a pointer leads to what a pattern names, or below it.
fn covers(pattern: &str, pointer: &str) -> bool {
    if !pattern.contains('*') {
        let rest = pointer.strip_prefix(pattern);
        return rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    }
    let mut parts = pointer.split('/');
    pattern
        .split('/')
        .all(|want| parts.next().is_some_and(|part| want == "*" || want == part))
}

/// The values at a pattern.
pub fn values_at<'v>(value: &'v Value, pattern: &str) -> Vec<&'v Value> {
    let mut found = vec![value];
    for part in pattern.split('/').skip(1) {
        found = match part {
            "*" => found
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
                .collect(),
            name => found
                .into_iter()
                .filter_map(|value| value.get(name))
                .collect(),
        };
    }
    found
}

/// The state of kinds that have none: there means ready.
pub fn always_ready(_: &Value) -> Status {
    Status::Ready
}

/// The update of kinds that have none.
pub fn never_updated(_: &Update<'_>) -> Vec<(&'static str, Value)> {
    Vec::new()
}
