//! Versions of a pipeline: their names and aliases.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{PipelineState, Version};
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::kind::{Id, locate};
use crate::world::list::paged;
use crate::world::records::{Key, Record, State};
use crate::world::request::{Refusal, Reply, Request, items};
use crate::world::window::{Rank, Window};

/// Aliases of one version.
const ALIASES_MAX: usize = 10;

impl World {
    pub(in crate::world) fn list_pipeline_versions(&self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Pipeline.kind(), request)?;
        let State::Pipeline(state) = &record.state else {
            return Ok(json!({}));
        };
        let versions = state.versions.iter().enumerate().map(|(at, version)| {
            let mut summary = json!({
                "PipelineArn": record.body["PipelineArn"],
                "PipelineVersionId": at + 1,
                "CreationTime": version.at,
            });
            version.name(&mut summary);
            state.alias(at + 1, &mut summary);
            ((Rank::None, at as u64), summary)
        });
        let (page, next) = Window::of(request, 100)?.whole(versions)?;
        Ok(paged("PipelineVersionSummaries", page, next))
    }

    /// Every version of every pipeline, as Search shows it.
    pub(in crate::world) fn pipeline_versions(&self, scope: &Scope) -> impl Iterator<Item = Value> {
        self.records
            .under(Id::Pipeline, scope, "")
            .flat_map(|record| match &record.state {
                State::Pipeline(state) => state.searched(record),
                _ => Vec::new(),
            })
    }

    pub(in crate::world) fn update_pipeline_version(&mut self, request: &Request<'_>) -> Reply {
        let arn = request.text("PipelineArn");
        let missing = || Id::Pipeline.kind().missing(request.scope, arn);
        let (_, scope, name) = locate(arn)
            .filter(|(kind, scope, _)| kind.id == Id::Pipeline && scope == request.scope)
            .ok_or_else(missing)?;
        let key = Key::new(Id::Pipeline, &scope, &name);
        let (record, state) = self.pipeline(&key).ok_or_else(missing)?;
        let number = version_number(record, state, request)?;
        let answer = json!({
            "PipelineArn": record.body["PipelineArn"],
            "PipelineVersionId": number,
        });
        let changed = state.changed(number, request)?;
        if let Some(record) = self.records.get_mut(&key) {
            record.state = State::Pipeline(changed);
        }
        Ok(answer)
    }
}

impl PipelineState {
    /// Every version, as Search shows it.
    fn searched(&self, record: &Record) -> Vec<Value> {
        let versions = self.versions.iter().enumerate();
        let shown = versions.map(|(at, version)| {
            let mut shown = json!({
                "PipelineArn": record.body["PipelineArn"],
                "PipelineVersionId": at + 1,
                "CreationTime": version.at,
                "LastModifiedTime": version.at,
                "CreatedBy": version.body["LastModifiedBy"],
                "LastModifiedBy": version.body["LastModifiedBy"],
            });
            version.name(&mut shown);
            self.alias(at + 1, &mut shown);
            shown
        });
        shown.collect()
    }

    /// With a version called otherwise, and its aliases added and removed.
    fn changed(&self, number: usize, request: &Request<'_>) -> Result<Self, Refusal> {
        let mut changed = self.clone();
        let version = Arc::make_mut(&mut changed.versions[number - 1]);
        let text = |name| request.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(name) = text("PipelineVersionDisplayName") {
            version.display_name = Some(name);
        }
        if let Some(description) = text("PipelineVersionDescription") {
            version.description = Some(description);
        }
        let none = Value::Null;
        let aliases = request.get("PipelineVersionAliasOperations");
        let aliases = aliases.unwrap_or(&none);
        let (added, removed) = (items(aliases, "Add"), items(aliases, "Remove"));
        if let Some(both) = added.iter().find(|alias| removed.contains(alias)) {
            return Err(Refusal::invalid(format!(
                "Alias {both} cannot be both added and removed."
            )));
        }
        for alias in removed.iter().filter_map(Value::as_str) {
            if changed.aliases.get(alias) == Some(&number) {
                changed.aliases.remove(alias);
            }
        }
        for alias in added.iter().filter_map(Value::as_str) {
            let before = changed.aliases.insert(alias.to_owned(), number);
            if before.is_some_and(|before| before != number) {
                return Err(Refusal::new(
                    "ConflictException",
                    format!("Alias '{alias}' is assigned to another version of the pipeline."),
                ));
            }
        }
        if changed.aliases_of(number).len() > ALIASES_MAX {
            return Err(Refusal::invalid(format!(
                "A pipeline version can have at most {ALIASES_MAX} aliases."
            )));
        }
        Ok(changed)
    }

    fn aliases_of(&self, number: usize) -> Vec<&String> {
        let aliases = self.aliases.iter().filter(|(_, at)| **at == number);
        aliases.map(|(alias, _)| alias).collect()
    }

    /// Writes the aliases of a version into what is shown of it.
    pub(super) fn alias(&self, number: usize, shown: &mut Value) {
        let aliases = self.aliases_of(number);
        if !aliases.is_empty() {
            shown["PipelineVersionAliases"] = json!(aliases);
        }
    }
}

impl Version {
    /// Writes what people call it into what is shown of it.
    pub(super) fn name(&self, shown: &mut Value) {
        for (member, text) in [
            ("PipelineVersionDisplayName", &self.display_name),
            ("PipelineVersionDescription", &self.description),
        ] {
            if let Some(text) = text {
                shown[member] = json!(text);
            }
        }
    }
}

/// The version that a request names by number or alias, or the newest; counted from 1.
pub(super) fn version_number(
    record: &Record,
    state: &PipelineState,
    request: &Request<'_>,
) -> Result<usize, Refusal> {
    let alias = request.text("PipelineVersionAlias");
    let number = match request.get("PipelineVersionId").and_then(Value::as_u64) {
        Some(number) => usize::try_from(number).ok(),
        None if !alias.is_empty() => state.aliases.get(alias).copied(),
        None => Some(state.versions.len()),
    };
    number
        .filter(|number| (1..=state.versions.len()).contains(number))
        .ok_or_else(|| {
            let version = request
                .get("PipelineVersionId")
                .map_or_else(|| format!("'{alias}'"), Value::to_string);
            Refusal::new(
                "ResourceNotFound",
                format!(
                    "Version {version} of pipeline '{}' does not exist.",
                    record.name
                ),
            )
        })
}
