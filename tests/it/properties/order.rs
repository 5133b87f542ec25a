//! Steps come in an order in which each stands on what is there.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use trueup::execute::pass::{Mode, UnitPass};
use trueup::plan::step::{Action, Step};
use trueup::resource::desired::{Desired, Resource};
use trueup::resource::kind::{Naming, values_at};
use trueup::resource::kinds::kind;

use crate::sim::kinds::settled_full;
use crate::sim::present::present;
use crate::sim::random::Random;
use crate::sim::repository::{FULL, path};
use crate::sim::stage::{Stage, scope};
use crate::sim::weather::Calm;

/// Edits of the configuration, each of which asks for other resources.
const EDITS: [(&str, &str); 8] = [
    ("initial_weight: 3", "initial_weight: 2"),
    ("WORKERS: \"2\"", "WORKERS: \"3\""),
    (
        "sampling_percentage: 100, modes",
        "sampling_percentage: 10, modes",
    ),
    ("volume_size_in_gb: 20", "volume_size_in_gb: 30"),
    ("schedule: daily", "schedule: hourly"),
    ("errors: \"5xx > 1% for 3m\"", "errors: \"5xx > 2% for 3m\""),
    ("max: 6", "max: 7"),
    ("{team: growth}", "{team: risk}"),
];

/// Somebody deletes by chance, and somebody edits.
fn disturb(stage: &mut Stage, random: &mut Random) {
    let present = present(&stage.forge, &stage.tip());
    let desired = present
        .models
        .iter()
        .flat_map(|model| &model.prepared.desired);
    for resource in desired.flat_map(|desired| &desired.resources) {
        let Some(delete) = resource.kind.ops.delete.filter(|_| random.one_in(3)) else {
            continue;
        };
        let name = match resource.kind.naming {
            Naming::Mutable => resource.stem.clone(),
            Naming::Digest => {
                let scope = scope();
                let all = stage.world.peek_all(&scope, resource.kind.ops.describe);
                let names: Vec<_> = all
                    .filter_map(|body| body[resource.kind.id].as_str().map(str::to_owned))
                    .collect();
                if names.is_empty() {
                    continue;
                }
                random.pick(&names).clone()
            }
        };
        // Some things may not be deleted as long as others are there.
        drop(stage.try_console(delete, resource.kind.located(&name)));
    }
    let mut config = FULL.to_owned();
    for (from, to) in EDITS {
        assert!(config.contains(from), "{from}");
        if random.one_in(3) {
            config = config.replace(from, to);
        }
    }
    if config != FULL {
        let file = path("config.yaml");
        stage.forge.commit(&[(&file, Some(config.as_bytes()))]);
    }
}

/// What a step is about.
fn resource<'a>(desired: &'a Desired, step: &Step) -> Option<&'a Resource> {
    desired.resources.iter().find(|resource| {
        let stem = match resource.kind.naming {
            Naming::Mutable => Some(step.name.as_str()),
            Naming::Digest => step.name.rsplit_once('-').map(|(stem, _)| stem),
        };
        *resource.kind == *step.kind && stem == Some(resource.stem.as_str())
    })
}

/// Every rule about the order of one unit's steps.
fn check(unit: &UnitPass, desired: &Desired) -> Result<(), TestCaseError> {
    let steps = &unit.plan.steps;
    let makes = |step: &&Step| step.action == Action::Create;
    let ranks: Vec<_> = steps
        .iter()
        .filter(makes)
        .map(|step| step.kind.rank)
        .collect();
    prop_assert!(ranks.is_sorted(), "{:?}", ranks);
    for (at, step) in steps.iter().enumerate() {
        let later: Vec<_> = steps[at + 1..].iter().filter(makes).collect();
        for (path, target) in step.kind.references() {
            let target = kind(target).unwrap();
            for name in values_at(&step.call.body, path) {
                let made = later
                    .iter()
                    .find(|other| *other.kind == *target && *name == json!(other.name));
                prop_assert!(
                    made.is_none(),
                    "{} {} before {}",
                    step.call.op,
                    step.name,
                    name
                );
            }
        }
        if step.action == Action::Create {
            let resource = resource(desired, step);
            prop_assert!(
                resource.is_some(),
                "{} {} is nobody's wish",
                step.kind.name,
                step.name
            );
            for key in resource.map_or(&[][..], |resource| &resource.after) {
                let of = desired.get(key);
                let made = steps.iter().filter(makes).find(|other| {
                    *other.kind.name == *key.kind
                        && of.is_some_and(|of| other.name.starts_with(&of.stem))
                });
                prop_assert!(made.is_none(), "{} does not wait for {:?}", step.name, key);
            }
        }
        let guarded = step.kind.arn.is_none() || !step.guards.is_empty();
        let alters = matches!(step.action, Action::Update | Action::Delete);
        prop_assert!(
            !alters || guarded,
            "{} {} is not looked at again",
            step.call.op,
            step.name
        );
    }
    Ok(())
}

#[test]
fn steps_stand_on_what_is_there_whatever_is_gone_or_changed() {
    let stage = settled_full();
    let (steps, most) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(120));
    let ran = runner.run(&any::<u64>(), |seed| {
        let (mut stage, mut random) = (stage.clone(), Random::new(seed, 0));
        disturb(&mut stage, &mut random);
        let present = present(&stage.forge, &stage.tip());
        let prepared = &present.models[0].prepared;
        let pass = stage.pass(Mode::Plan, &mut Calm);
        let again = stage.pass(Mode::Plan, &mut Calm);
        prop_assert_eq!(pass.units.len(), prepared.desired.len());
        for ((unit, again), desired) in pass.units.iter().zip(&again.units).zip(&prepared.desired) {
            prop_assert_eq!(unit.plan.json(), again.plan.json(), "planned twice");
            steps.set(steps.get() + unit.plan.steps.len());
            most.set(most.get().max(unit.plan.steps.len()));
            check(unit, desired)?;
        }
        Ok(())
    });
    if let Err(failed) = ran {
        panic!("{failed}");
    }
    assert!(
        steps.get() > 400 && most.get() > 8,
        "{} steps, {} at once",
        steps.get(),
        most.get()
    );
}
