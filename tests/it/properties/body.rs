//! Bodies of every kind, made by chance from the kind's own table; what the service would answer
//! for them; and what is changed in them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use trueup::resource::kind::{Compare, FieldClass, Kind};

use crate::sim::random::Random;

/// A declared body.
pub(super) fn body(kind: &'static Kind, random: &mut Random) -> Value {
    member(kind, "", random)
}

/// A member at a pattern of the kind's table.
fn member(kind: &'static Kind, pattern: &str, random: &mut Random) -> Value {
    let field = kind.fields.iter().find(|field| field.path == pattern);
    let below = below(kind, pattern);
    match field.map_or(Compare::Exact, |field| field.compare) {
        Compare::Unordered => {
            let items = (0..random.below(4)).map(|at| {
                if random.one_in(2) {
                    json!(format!("item-{at}"))
                } else {
                    json!({"Name": format!("item-{at}"), "Value": random.below(9)})
                }
            });
            items.collect()
        }
        Compare::Keyed(key) => {
            let mut items = Vec::new();
            for at in 0..=random.below(3) {
                let mut item = member(kind, &format!("{pattern}/*"), random);
                item[key] = json!(format!("key-{at}"));
                items.push(item);
            }
            items.into()
        }
        Compare::WholeMap => (0..random.below(4))
            .map(|at| (format!("KEY_{at}"), json!(random.below(99).to_string())))
            .collect(),
        Compare::JsonText => plain(random, 2).to_string().into(),
        Compare::Reference(_) => format!("name-{}", random.below(99)).into(),
        Compare::Exact if below.contains("*") => (0..random.below(3))
            .map(|_| member(kind, &format!("{pattern}/*"), random))
            .collect(),
        Compare::Exact if below.is_empty() && !pattern.ends_with('*') => plain(random, 2),
        Compare::Exact => {
            let mut members = Map::new();
            for name in below {
                if !random.one_in(4) {
                    let inner = member(kind, &format!("{pattern}/{name}"), random);
                    members.insert(name.to_owned(), inner);
                }
            }
            for at in 0..random.below(3) {
                if !pattern.is_empty() {
                    members.insert(format!("More{at}"), plain(random, 1));
                }
            }
            members.into()
        }
    }
}

/// The next parts of the paths in the kind's table that go on from a pattern.
fn below(kind: &'static Kind, pattern: &str) -> BTreeSet<&'static str> {
    let rests = kind
        .fields
        .iter()
        .filter_map(|field| field.path.strip_prefix(pattern)?.strip_prefix('/'));
    rests.filter_map(|rest| rest.split('/').next()).collect()
}

/// Any JSON without nulls.
fn plain(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => json!(random.below(1_000)),
        1 => json!(random.one_in(2)),
        2 => json!(f64::from(u32::try_from(random.below(1_000)).unwrap()) / 8.0),
        3 => json!(format!("text-{}", random.below(1_000))),
        4 => (0..random.below(3))
            .map(|_| plain(random, depth - 1))
            .collect(),
        _ => ["a", "b", "c"][..usize::try_from(random.below(4)).unwrap()]
            .iter()
            .map(|key| ((*key).to_owned(), plain(random, depth - 1)))
            .collect(),
    }
}

/// Whether the kind leaves what is at a pointer out of every comparison.
pub(super) fn is_ignored(kind: &'static Kind, pointer: &str) -> bool {
    kind.field(pointer).is_some_and(|field| {
        matches!(
            field.class,
            FieldClass::ServerSet | FieldClass::WriteOnly | FieldClass::OwnedElsewhere
        )
    })
}

/// The same as the service may describe it: what it adds is there, what is a set or a map comes in
/// another order, whole numbers have a point, JSON has spaces, and what nobody compares is other.
pub(crate) fn served(
    kind: &'static Kind,
    pointer: &str,
    value: &Value,
    random: &mut Random,
) -> Value {
    if is_ignored(kind, pointer) {
        return if random.one_in(3) {
            Value::Null
        } else {
            plain(random, 1)
        };
    }
    let field = kind.field(pointer).filter(|field| field.is_at(pointer));
    let items = |items: &[Value], random: &mut Random| -> Vec<Value> {
        let numbered = items.iter().enumerate();
        numbered
            .map(|(at, item)| served(kind, &format!("{pointer}/{at}"), item, random))
            .collect()
    };
    match (field.map_or(Compare::Exact, |field| field.compare), value) {
        (Compare::Unordered, Value::Array(list)) => {
            let mut list = list.clone();
            random.shuffle(&mut list);
            list.into()
        }
        (Compare::Keyed(_), Value::Array(list)) => {
            let mut list = items(list, random);
            random.shuffle(&mut list);
            list.into()
        }
        (Compare::JsonText, Value::String(text)) => {
            let inner: Value = serde_json::from_str(text).unwrap();
            serde_json::to_string_pretty(&inner).unwrap().into()
        }
        (Compare::Exact, Value::Array(list)) => items(list, random).into(),
        (Compare::Exact, Value::Object(members)) => {
            let mut all: Map<_, _> = members
                .iter()
                .map(|(key, member)| {
                    let member = served(kind, &format!("{pointer}/{key}"), member, random);
                    (key.clone(), member)
                })
                .collect();
            for at in 0..random.below(3) {
                all.insert(format!("Server{at}"), plain(random, 1));
            }
            all.into()
        }
        (Compare::Exact, Value::Number(number)) => json!(number.as_f64()),
        (_, other) => other.clone(),
    }
}

/// Every place in a value, as pointers, the whole apart.
pub(super) fn places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, String::new(), &mut found);
    found
}

fn walk(value: &Value, pointer: String, found: &mut Vec<String>) {
    let inner: Vec<_> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, one)| (key.clone(), one))
            .collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.map(|(at, one)| (at.to_string(), one)).collect()
        }
        _ => Vec::new(),
    };
    if !pointer.is_empty() {
        found.push(pointer.clone());
    }
    for (part, one) in inner {
        walk(one, format!("{pointer}/{part}"), found);
    }
}
