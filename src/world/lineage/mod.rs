//! Lineage: artifacts, actions and contexts, and the associations that lead from one to another.

pub(super) mod kinds;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use crate::resource::call::Scope;
use crate::resource::canonical;
use crate::world::World;
use crate::world::create::user;
use crate::world::kind::{Id, locate};
use crate::world::list::paged;
use crate::world::records::{Key, Record, State};
use crate::world::request::{Refusal, Reply, Request, items, picked, text};
use crate::world::window::{Rank, Window};

/// Steps that a query goes from where it starts, where it does not say.
const DEPTH: u64 = 10;
/// Vertices of a page of a query.
const PAGE: usize = 50;

/// What can be part of a lineage, and what a query calls it.
const ENTITIES: [(Id, &str); 5] = [
    (Id::Action, "Action"),
    (Id::Artifact, "Artifact"),
    (Id::Context, "Context"),
    (Id::Experiment, "Experiment"),
    (Id::TrialComponent, "TrialComponent"),
];

impl World {
    /// An artifact is known by its source.
    pub(in crate::world) fn create_artifact(&mut self, request: &Request<'_>) -> Reply {
        let kind = Id::Artifact.kind();
        let name = artifact_name(request.get("Source").unwrap_or(&Value::Null));
        self.free(kind, request.scope, &name)?;
        let mut body = Value::Object(crate::world::shape::echo(kind.describe, &request.body));
        self.check_entity(&mut body, request)?;
        self.put(kind, request, &name, body, State::Plain)
    }

    pub(in crate::world) fn delete_artifact(&mut self, request: &Request<'_>) -> Reply {
        let source = request.get("Source");
        if request.get("ArtifactArn").is_some() == source.is_some() {
            return Err(Refusal::invalid(
                "Exactly one of ArtifactArn and Source must be provided.",
            ));
        }
        let Some(source) = source else {
            return self.delete_entity(request);
        };
        let arn = Id::Artifact
            .kind()
            .arn(request.scope, &artifact_name(source));
        let mut named = request.clone();
        named
            .body
            .to_mut()
            .insert("ArtifactArn".to_owned(), json!(arn));
        self.delete_entity(&named)
    }

    /// Whether anything is associated with an entity.
    pub(in crate::world) fn is_associated(&self, scope: &Scope, arn: &str) -> bool {
        let mut all = self.records.under(Id::Association, scope, "");
        all.any(|one| one.body["SourceArn"] == arn || one.body["DestinationArn"] == arn)
    }

    pub(in crate::world) fn add_association(&mut self, request: &Request<'_>) -> Reply {
        let (from, to) = ends(request);
        let (source, source_type) = self.entity(request.scope, from)?;
        let (destination, destination_type) = self.entity(request.scope, to)?;
        let name = format!("{from} {to}").to_ascii_lowercase();
        let mut body = json!({
            "SourceArn": from.to_ascii_lowercase(),
            "DestinationArn": to.to_ascii_lowercase(),
            "SourceName": shown_name(source),
            "DestinationName": shown_name(destination),
            "SourceType": source_type,
            "DestinationType": destination_type,
            "CreatedBy": user(request.scope),
        });
        if let Some(kind) = request.get("AssociationType") {
            body["AssociationType"] = kind.clone();
        }
        let kind = Id::Association.kind();
        self.free(kind, request.scope, &name)?;
        self.put(kind, request, &name, body, State::Plain)?;
        Ok(json!({"SourceArn": from, "DestinationArn": to}))
    }

    pub(in crate::world) fn delete_association(&mut self, request: &Request<'_>) -> Reply {
        let (from, to) = ends(request);
        let name = format!("{from} {to}").to_ascii_lowercase();
        let key = Key::new(Id::Association, request.scope, &name);
        if self.records.get(&key).is_none() {
            return Err(Id::Association.kind().missing(request.scope, &name));
        }
        self.drop_record(&key);
        Ok(json!({"SourceArn": from, "DestinationArn": to}))
    }

    /// The record of an entity, and of which type it is.
    fn entity(&self, scope: &Scope, arn: &str) -> Result<(&Record, String), Refusal> {
        let missing = || {
            let words = format!("The lineage entity '{arn}' does not exist.");
            Refusal::new("ResourceNotFound", words)
        };
        let (kind, place, name) = locate(arn).ok_or_else(missing)?;
        let known = ENTITIES.iter().find(|(id, _)| *id == kind.id);
        let (id, _) = known.filter(|_| place == *scope).ok_or_else(missing)?;
        let record = self.records.get(&Key::new(*id, &place, &name));
        let record = record.ok_or_else(missing)?;
        Ok((record, entity_type(*id, record)))
    }

    pub(in crate::world) fn query_lineage(&self, request: &Request<'_>) -> Reply {
        let direction = match request.text("Direction") {
            "" => "Both",
            direction => direction,
        };
        let depth = request.get("MaxDepth").and_then(Value::as_u64);
        let walk = self.walk(
            request.scope,
            request.items("StartArns"),
            direction,
            depth.unwrap_or(DEPTH),
        )?;
        let none = json!({});
        let filters = request.get("Filters").unwrap_or(&none);
        let found = walk.found.iter().filter_map(|arn| {
            let (kind, _, _) = locate(arn)?;
            let (record, entity_type) = self.entity(request.scope, arn).ok()?;
            let (_, lineage) = ENTITIES.iter().find(|(id, _)| *id == kind.id)?;
            let fits = fits(filters, lineage, &entity_type, &record.body);
            fits.then(|| json!({"Arn": arn, "Type": entity_type, "LineageType": lineage}))
        });
        let found = found
            .zip(0..)
            .map(|(vertex, at)| ((Rank::None, at), vertex));
        let window = Window::ascending(request, "MaxResults", PAGE)?;
        let (page, next) = window.whole(found)?;
        let mut answer = paged("Vertices", page, next);
        if request.get("IncludeEdges") != Some(&Value::Bool(false)) {
            answer["Edges"] = walk.edges.into();
        }
        Ok(answer)
    }

    /// Everything that associations lead to from these, the nearest first.
    fn walk(
        &self,
        scope: &Scope,
        starts: &[Value],
        direction: &str,
        depth: u64,
    ) -> Result<Walk, Refusal> {
        let mut ways: BTreeMap<&str, Vec<(&str, &Value)>> = BTreeMap::new();
        for record in self.records.under(Id::Association, scope, "") {
            let edge = &record.body;
            let (from, to) = (text(edge, "SourceArn"), text(edge, "DestinationArn"));
            if direction != "Ascendants" {
                ways.entry(from).or_default().push((to, edge));
            }
            if direction != "Descendants" {
                ways.entry(to).or_default().push((from, edge));
            }
        }
        let mut walk = Walk::default();
        let mut seen = BTreeSet::new();
        let mut passed = BTreeSet::new();
        let mut next = VecDeque::new();
        for start in starts.iter().filter_map(Value::as_str) {
            self.entity(scope, start)?;
            let start = start.to_ascii_lowercase();
            seen.insert(start.clone());
            next.push_back((start, 0));
        }
        while let Some((arn, far)) = next.pop_front() {
            if far == depth {
                continue;
            }
            for (other, edge) in ways.get(arn.as_str()).into_iter().flatten() {
                if passed.insert((text(edge, "SourceArn"), text(edge, "DestinationArn"))) {
                    let members = ["SourceArn", "DestinationArn", "AssociationType"];
                    let shown = picked(edge, &members);
                    walk.edges.push(Value::Object(shown));
                }
                if seen.insert((*other).to_owned()) {
                    walk.found.push((*other).to_owned());
                    next.push_back(((*other).to_owned(), far + 1));
                }
            }
        }
        Ok(walk)
    }

    /// The ARN of the artifact of a source, which is made where there is none.
    pub(in crate::world) fn artifact(
        &mut self,
        scope: &Scope,
        uri: &str,
        kind: &str,
    ) -> Option<String> {
        let source = json!({"SourceUri": uri});
        let arn = Id::Artifact.kind().arn(scope, &artifact_name(&source));
        let key = self.key(Id::Artifact.kind(), scope, &arn);
        if self.records.get(&key).is_none() {
            let wanted = json!({"Source": source, "ArtifactType": kind});
            let made = self.invoke("CreateArtifact", scope, &wanted, Self::create_artifact);
            made.ok()?;
        }
        Some(arn)
    }

    /// Associates two entities, unless they are.
    pub(in crate::world) fn lead(&mut self, scope: &Scope, from: &str, to: &str, kind: &str) {
        let wanted = json!({"SourceArn": from, "DestinationArn": to, "AssociationType": kind});
        // What is associated already stays as it is.
        let _known = self.invoke("AddAssociation", scope, &wanted, Self::add_association);
    }
}

/// What a walk along associations came by.
#[derive(Default)]
struct Walk {
    found: Vec<String>,
    edges: Vec<Value>,
}

fn ends<'a>(request: &'a Request<'_>) -> (&'a str, &'a str) {
    (request.text("SourceArn"), request.text("DestinationArn"))
}

/// 32 hexadecimal digits of an artifact's source.
fn artifact_name(source: &Value) -> String {
    let digest = canonical::sha256(canonical::text(source).as_bytes());
    digest[..32].to_owned()
}

/// What an entity calls itself, or what it is by nature.
fn entity_type(id: Id, record: &Record) -> String {
    let own = ["ArtifactType", "ActionType", "ContextType"].into_iter();
    let own = own.map(|member| text(&record.body, member));
    let mut own = own.chain([text(&record.body["Source"], "SourceType")]);
    let nature = || ENTITIES.iter().find(|(known, _)| *known == id);
    own.find(|kind| !kind.is_empty()).map_or_else(
        || nature().map_or(String::new(), |(_, name)| (*name).to_owned()),
        str::to_owned,
    )
}

fn shown_name(record: &Record) -> Value {
    let named = record.body.get("ArtifactName");
    named.cloned().unwrap_or_else(|| json!(record.name))
}

/// Whether a query wants to see a vertex.
fn fits(filters: &Value, lineage: &str, entity_type: &str, body: &Value) -> bool {
    let among = |member: &str, value: &str| {
        let wanted = items(filters, member);
        wanted.is_empty() || wanted.iter().any(|one| one == value)
    };
    let within = |member: &str, after: &str, before: &str| {
        let at = body[member].as_f64();
        let after = filters[after].as_f64();
        let before = filters[before].as_f64();
        after.is_none_or(|after| at > Some(after))
            && before.is_none_or(|before| at.is_some_and(|at| at < before))
    };
    let none = Map::new();
    let mut properties = filters["Properties"].as_object().unwrap_or(&none).iter();
    among("LineageTypes", lineage)
        && among("Types", entity_type)
        && within("CreationTime", "CreatedAfter", "CreatedBefore")
        && within("LastModifiedTime", "ModifiedAfter", "ModifiedBefore")
        && properties.all(|(name, value)| body["Properties"][name] == *value)
}
