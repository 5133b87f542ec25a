//! Experiments, their trials, and the components of trials; what they share with lineage.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::World;
use super::create::user;
use super::kind::{Id, Kind};
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, default, epoch};

/// Trials that one component can be part of.
const TRIALS_MAX: usize = 50;

/// Members whose entries an update adds to, and the members that name those to take out.
const MERGED: [(&str, &str); 4] = [
    ("Parameters", "ParametersToRemove"),
    ("InputArtifacts", "InputArtifactsToRemove"),
    ("OutputArtifacts", "OutputArtifactsToRemove"),
    ("Properties", "PropertiesToRemove"),
];

/// The kind that an operation is about.
fn kind(op: &str) -> &'static Kind {
    let ends = [
        ("TrialComponent", Id::TrialComponent),
        ("Trial", Id::Trial),
        ("Artifact", Id::Artifact),
        ("Action", Id::Action),
        ("Context", Id::Context),
    ];
    let found = ends.into_iter().find(|(end, _)| op.ends_with(end));
    found.map_or(Id::Experiment, |(_, id)| id).kind()
}

impl World {
    /// What the service fills in; a trial is one of an experiment that there is.
    pub(super) fn check_entity(
        &self,
        body: &mut Value,
        request: &Request<'_>,
    ) -> Result<(), Refusal> {
        let kind = kind(request.op);
        if kind.id == Id::Trial {
            let experiment = self.find(Id::Experiment.kind(), request)?;
            body["ExperimentName"] = json!(experiment.name);
        }
        if matches!(kind.id, Id::Experiment | Id::Trial | Id::TrialComponent) {
            default(body, "DisplayName", request.text(kind.name));
        }
        body["CreatedBy"] = user(request.scope);
        body["LastModifiedTime"] = epoch(request.now);
        body["LastModifiedBy"] = user(request.scope);
        Ok(())
    }

    pub(super) fn update_entity(&mut self, request: &Request<'_>) -> Reply {
        let kind = kind(request.op);
        let record = self.find(kind, request)?;
        let key = Key::new(kind.id, &record.scope, &record.name);
        let answer = json!({kind.arn: record.body[kind.arn]});
        let given = request.body.iter();
        let given = given.filter(|(name, _)| *name != kind.name && !name.ends_with("ToRemove"));
        let Some(record) = self.records.get_mut(&key) else {
            return Err(kind.missing(request.scope, request.text(kind.name)));
        };
        let body = &mut record.body;
        for (name, value) in given {
            let merged = MERGED.iter().any(|(member, _)| member == name);
            match (value.as_object(), body[name].as_object_mut()) {
                (Some(more), Some(entries)) if merged => entries.extend(more.clone()),
                _ => body[name] = value.clone(),
            }
        }
        for (member, gone) in MERGED {
            if let Some(entries) = body.get_mut(member).and_then(Value::as_object_mut) {
                let gone = request.items(gone).iter().filter_map(Value::as_str);
                gone.for_each(|key| drop(entries.remove(key)));
            }
        }
        body["LastModifiedTime"] = epoch(request.now);
        body["LastModifiedBy"] = user(request.scope);
        Ok(answer)
    }

    /// What others are part of, or what is part of others, stays.
    pub(super) fn delete_entity(&mut self, request: &Request<'_>) -> Reply {
        let kind = kind(request.op);
        let record = self.find(kind, request)?;
        let (name, arn) = (record.name.clone(), record.body[kind.arn].clone());
        if self.is_associated(request.scope, arn.as_str().unwrap_or_default()) {
            return Err(Refusal::invalid(format!(
                "Cannot delete {}: its associations must be deleted first.",
                arn.as_str().unwrap_or_default()
            )));
        }
        let held = match kind.id {
            Id::Experiment => {
                let mut trials = self.records.under(Id::Trial, request.scope, "");
                trials.any(|trial| trial.body["ExperimentName"] == name.as_str())
            }
            Id::Trial => {
                let mut components = self.records.under(Id::TrialComponent, request.scope, "");
                components.any(|component| trials(component).contains(&name))
            }
            Id::TrialComponent => !trials(record).is_empty(),
            _ => false,
        };
        if held {
            let what = match kind.id {
                Id::Experiment => "the trials of the experiment must be deleted",
                Id::Trial => "the trial components of the trial must be disassociated",
                _ => "the trial component must be disassociated from all trials",
            };
            return Err(Refusal::invalid(format!(
                "Cannot delete {}: {what} first.",
                arn.as_str().unwrap_or_default()
            )));
        }
        self.drop_record(&Key::new(kind.id, request.scope, &name));
        Ok(json!({kind.arn: arn}))
    }

    pub(super) fn associate(&mut self, request: &Request<'_>) -> Reply {
        self.associated(request, |trials, trial| {
            trials.insert(trial);
        })
    }

    pub(super) fn disassociate(&mut self, request: &Request<'_>) -> Reply {
        self.associated(request, |trials, trial| {
            trials.remove(&trial);
        })
    }

    fn associated(
        &mut self,
        request: &Request<'_>,
        change: impl FnOnce(&mut BTreeSet<String>, String),
    ) -> Reply {
        let trial = self.find(Id::Trial.kind(), request)?;
        let component = self.find(Id::TrialComponent.kind(), request)?;
        let answer = json!({
            "TrialArn": trial.body["TrialArn"],
            "TrialComponentArn": component.body["TrialComponentArn"],
        });
        let mut trials = trials(component).clone();
        change(&mut trials, trial.name.clone());
        if trials.len() > TRIALS_MAX {
            return Err(Refusal::new(
                "ResourceLimitExceeded",
                format!("A trial component can be associated with at most {TRIALS_MAX} trials."),
            ));
        }
        let key = Key::new(Id::TrialComponent, &component.scope, &component.name);
        if let Some(record) = self.records.get_mut(&key) {
            record.state = State::Component(trials);
        }
        Ok(answer)
    }

    /// The trials of an experiment, or those that a component is part of.
    pub(super) fn list_trials(&self, request: &Request<'_>) -> Reply {
        let experiment = match request.get("ExperimentName") {
            Some(_) => Some(self.find(Id::Experiment.kind(), request)?),
            None => None,
        };
        let parents = match request.get("TrialComponentName") {
            Some(_) => Some(trials(self.find(Id::TrialComponent.kind(), request)?)),
            None => None,
        };
        self.list_where(Id::Trial.kind(), "", request, |trial| {
            let of = |experiment: &Record| trial.body["ExperimentName"] == *experiment.name;
            experiment.is_none_or(of) && parents.is_none_or(|parents| parents.contains(&trial.name))
        })
    }

    /// The components of a trial, of an experiment's trials, or of a source: one of the three.
    pub(super) fn list_components(&self, request: &Request<'_>) -> Reply {
        let filters = ["ExperimentName", "TrialName", "SourceArn"];
        let given = filters
            .into_iter()
            .filter(|name| request.get(name).is_some());
        if given.count() > 1 {
            return Err(Refusal::invalid(
                "Only one of ExperimentName, TrialName and SourceArn can be specified.",
            ));
        }
        let within: Option<BTreeSet<&str>> = if request.get("TrialName").is_some() {
            let trial = self.find(Id::Trial.kind(), request)?;
            Some(BTreeSet::from([trial.name.as_str()]))
        } else if request.get("ExperimentName").is_some() {
            let experiment = self.find(Id::Experiment.kind(), request)?;
            let all = self.records.under(Id::Trial, request.scope, "");
            let all = all.filter(|trial| trial.body["ExperimentName"] == *experiment.name);
            Some(all.map(|trial| trial.name.as_str()).collect())
        } else {
            None
        };
        self.list_where(Id::TrialComponent.kind(), "", request, |component| {
            let mut of = trials(component).iter();
            within
                .as_ref()
                .is_none_or(|within| of.any(|trial| within.contains(trial.as_str())))
        })
    }

    /// The trials and experiments that a component is part of, as Search shows them.
    pub(super) fn parents(&self, component: &Record) -> Vec<Value> {
        let found = trials(component).iter().filter_map(|trial| {
            let trial = self
                .records
                .get(&Key::new(Id::Trial, &component.scope, trial))?;
            let mut parent = Map::new();
            for member in ["TrialName", "ExperimentName"] {
                parent.insert(member.to_owned(), trial.body[member].clone());
            }
            Some(Value::Object(parent))
        });
        found.collect()
    }
}

/// The trials that a component is part of.
fn trials(component: &Record) -> &BTreeSet<String> {
    static NONE: BTreeSet<String> = BTreeSet::new();
    match &component.state {
        State::Component(trials) => trials,
        _ => &NONE,
    }
}
