//! Passes for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::clock::Timestamp;
use crate::diagnostic::{Diagnostic, Span};
use crate::execute::model::ModelPass;
use crate::execute::pass::UnitPass;
use crate::execute::steps::{End, Outcome, StepResult};
use crate::plan::cause::{CAUSES, Cause};
use crate::plan::report::{Note, State};
use crate::plan::step::{Action, Effect, Reason, Step};
use crate::reconcile::{ModelReport, RepositoryPass};
use crate::resource::call::{Call, OpError, Scope};
use crate::resource::desired::{Change, Origin};
use crate::resource::error::Class;
use crate::resource::kind::FieldClass;
use crate::resource::kinds::{ENDPOINT, ENDPOINT_CONFIG, PIPELINE_EXECUTION};
use crate::resource::unit::Unit;
use crate::snapshot::{ObjectId, Snapshot, Write};

/// When the samples were taken.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

/// A unit in which all is well.
pub(crate) fn unit(place: &str) -> UnitPass {
    let unit = Unit {
        model: "churn".to_owned(),
        place: place.to_owned(),
    };
    let mut pass = UnitPass::nothing(unit);
    pass.report.observed_at = Some(now() - std::time::Duration::from_secs(3));
    pass.converged_since = Some(now() - std::time::Duration::from_hours(2));
    pass
}

/// A pass with these units.
pub(crate) fn pass(units: Vec<UnitPass>) -> RepositoryPass {
    let commit = ObjectId("1a2b3c4d".repeat(5));
    RepositoryPass {
        branch: "main".to_owned(),
        commit: commit.clone(),
        at: now(),
        diagnostics: Vec::new(),
        models: vec![ModelReport {
            name: "churn".to_owned(),
            folder: "models/churn".to_owned(),
            diagnostics: Vec::new(),
            files: None,
            releases: BTreeMap::new(),
            pass: Some(ModelPass {
                units,
                writes: Vec::new(),
            }),
            had_turn: false,
            defect: None,
        }],
        writes: Vec::new(),
        shared: Arc::new(Snapshot {
            commit,
            time: now(),
            files: BTreeMap::new(),
            skipped: BTreeMap::new(),
        }),
    }
}

/// Nothing to do.
pub(crate) fn quiet() -> RepositoryPass {
    pass(vec![unit("home"), unit("staging")])
}

fn note(state: State) -> Note {
    let matching = CAUSES.iter().find(|cause| cause.state() == state);
    Note {
        state,
        // What is in sync has no cause; a note about it is one for tests only.
        reason: matching.copied().unwrap_or(Cause::NoRelease),
        subject: "Endpoint churn-staging".to_owned(),
        message: "it is Updating".to_owned(),
        since: Some(now() - std::time::Duration::from_mins(4)),
        deadline: Some(now() + std::time::Duration::from_mins(56)),
    }
}

/// One unit with these states.
pub(crate) fn noted(states: &[State]) -> RepositoryPass {
    let mut one = unit("staging");
    one.report.notes = states.iter().copied().map(note).collect();
    pass(vec![one])
}

/// Something that could not be read.
pub(crate) fn unknown() -> RepositoryPass {
    noted(&[State::Unknown])
}

/// A model whose files do not allow a plan.
pub(crate) fn broken() -> RepositoryPass {
    let mut pass = quiet();
    let span = Span {
        file: "models/churn/config.yaml".to_owned(),
        start: 0,
        end: 0,
        line: 3,
        column: 1,
    };
    pass.models[0].diagnostics = vec![Diagnostic::error("S001", span, "unknown key `nmae`")];
    pass.models[0].pass = None;
    pass
}

fn step(action: Action, effect: Effect) -> Step {
    let (kind, name) = match action {
        Action::Create => (&ENDPOINT_CONFIG, "churn-staging-4f1c09ab2e"),
        Action::Start => (&PIPELINE_EXECUTION, "0123abcd"),
        _ => (&ENDPOINT, "churn-staging"),
    };
    Step {
        action,
        kind,
        name: name.to_owned(),
        call: Call::new("UpdateEndpoint", &scope(), json!({})),
        guards: Vec::new(),
        changes: Vec::new(),
        effect,
        reason: Reason {
            text: "the commit asks for it: it does not exist".to_owned(),
            commit: "1a2b3c4d".repeat(5),
            origin: Some(Origin {
                file: "models/churn/config.yaml".to_owned(),
                line: 12,
            }),
        },
    }
}

/// A run to start, a roll, a delete and a commit.
pub(crate) fn changing() -> RepositoryPass {
    let mut home = unit("home");
    home.plan.steps = vec![step(Action::Start, Effect::Run)];
    let mut staging = unit("staging");
    let mut update = step(Action::Update, Effect::Roll);
    update.changes = vec![Change {
        path: "/EndpointConfigName".to_owned(),
        from: Some(json!("churn-staging-0aa0bb0cc0")),
        to: json!("churn-staging-4f1c09ab2e"),
        class: FieldClass::Live,
    }];
    staging.plan.steps = vec![step(Action::Create, Effect::None), update];
    let mut production = unit("production");
    production.plan.steps = vec![step(Action::Delete, Effect::Recreate)];
    production.report.notes = vec![note(State::Waiting)];
    for unit in [&mut home, &mut staging, &mut production] {
        unit.converged_since = None;
        unit.report.note(Cause::StepsPlanned, "plan", "1 step");
    }
    let mut pass = pass(vec![home, staging, production]);
    let write = Write {
        branch: "main".to_owned(),
        expected: None,
        base: pass.commit.clone(),
        files: BTreeMap::from([(
            "models/churn/releases/staging.yaml".to_owned(),
            String::new(),
        )]),
        message: String::new(),
        reason: "release(churn): staging serves version 3".to_owned(),
    };
    pass.models[0].pass.as_mut().unwrap().writes = vec![write];
    pass
}

/// A pass that took a step: it was accepted, or refused.
pub(crate) fn applied(refused: Option<Class>) -> RepositoryPass {
    let mut one = unit("staging");
    one.plan.steps = vec![step(Action::Update, Effect::Live)];
    one.report.note(Cause::StepsPlanned, "plan", "1 step");
    let end = match refused {
        None => End::Done,
        Some(class) => {
            let mut error = OpError::refused("UpdateEndpoint", "Code", "words");
            error.class = class;
            one.report.note(
                Cause::CallFailed,
                "Endpoint churn-staging",
                error.to_string(),
            );
            End::Failed(error)
        }
    };
    one.outcome = Some(Outcome {
        results: vec![StepResult {
            action: Action::Update,
            subject: "Endpoint churn-staging".to_owned(),
            end,
        }],
    });
    pass(vec![one])
}
