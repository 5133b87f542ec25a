use super::*;
use crate::execute::steps::{End, Outcome, StepResult, Steps};
use crate::limits::{TURNS_MIN, TURNS_PERCENT};
use crate::plan::report::{Note, State};
use crate::plan::step::{Action, Effect, Reason, Step};
use crate::resource::call::{Call, Scope};
use crate::resource::kinds::{ENDPOINT, ENDPOINT_CONFIG};
use serde_json::{Value, json};

fn scope(account: &str) -> Scope {
    Scope {
        account: account.to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn step(action: Action, effect: Effect, account: &str) -> Step {
    let kind = if action == Action::Create {
        &ENDPOINT_CONFIG
    } else {
        &ENDPOINT
    };
    Step {
        action,
        kind,
        name: "churn".to_owned(),
        call: Call::new("UpdateEndpoint", &scope(account), Value::Null),
        guards: Vec::new(),
        changes: Vec::new(),
        effect,
        reason: Reason {
            text: String::new(),
            commit: String::new(),
            origin: None,
        },
    }
}

/// A unit that would make something, then change a tag, then roll.
fn unit(account: &str, place: &str) -> UnitPass {
    let mut pass = UnitPass::nothing(Unit::environment("churn", place));
    pass.plan.scope = scope(account);
    pass.plan.steps = vec![
        step(Action::Create, Effect::None, account),
        step(Action::Update, Effect::Live, account),
        step(Action::Update, Effect::Roll, account),
    ];
    pass.outcome = Some(Outcome::default());
    pass.unturned = true;
    pass
}

const ACCOUNT: &str = "111122223333";

fn asked(turns: &mut Turns, count: usize, pass: &UnitPass) -> usize {
    let ask = |n: &usize| turns.ask(&format!("models/m{n}"), pass).is_ok();
    (0..count).filter(ask).count()
}

/// A pass after which the unit moves by what it did, or is at rest.
fn after(pass: &UnitPass, changed: bool) -> UnitPass {
    let mut pass = pass.clone();
    let done = StepResult {
        action: Action::Update,
        subject: String::new(),
        end: End::Done,
    };
    let results = if changed { vec![done] } else { Vec::new() };
    pass.outcome = Some(Outcome { results });
    pass
}

#[test]
fn few_units_have_a_fixed_room_and_many_a_part_of_them() {
    let pass = unit(ACCOUNT, "staging");
    let mut turns = Turns::default();
    assert_eq!(asked(&mut turns, 9, &pass), TURNS_MIN);
    let Refused { cause, words } = turns.ask("models/m9", &pass).unwrap_err();
    assert_eq!(cause, Cause::WaitingForTurn);
    assert_eq!(
        words,
        "5 rollouts are under way in account 111122223333; no more are begun at once"
    );
    let mut many = Turns::default();
    for n in 0..1000 {
        many.note(&format!("models/m{n}"), &after(&pass, false));
    }
    assert_eq!(asked(&mut many, 1000, &pass), 1000 * TURNS_PERCENT / 100);
}

#[test]
fn accounts_and_runs_take_turns_by_themselves() {
    let mut turns = Turns::default();
    assert_eq!(asked(&mut turns, 9, &unit(ACCOUNT, "staging")), TURNS_MIN);
    assert_eq!(asked(&mut turns, 9, &unit(ACCOUNT, HOME)), TURNS_MIN);
    assert_eq!(
        asked(&mut turns, 9, &unit("444455556666", "production")),
        TURNS_MIN
    );
}

#[test]
fn a_turn_is_kept_while_something_moves_and_then_free() {
    let pass = unit(ACCOUNT, "staging");
    let mut turns = Turns::default();
    assert_eq!(asked(&mut turns, 5, &pass), 5);
    assert!(
        turns.ask("models/m0", &pass).is_ok(),
        "it is its turn already"
    );
    assert!(
        !turns.note("models/m0", &after(&pass, true)),
        "it has just begun"
    );
    let mut moving = after(&pass, false);
    moving.report.notes.push(Note::new(
        Cause::WaitingForService,
        "Endpoint churn",
        "it is Updating",
    ));
    assert!(!turns.note("models/m0", &moving));
    assert!(turns.ask("models/m9", &pass).is_err());
    assert!(
        turns.note("models/m0", &after(&pass, false)),
        "it came to rest"
    );
    assert!(turns.ask("models/m9", &pass).is_ok());
    turns.forget("models/m9");
    assert!(
        turns.ask("models/m8", &pass).is_ok(),
        "what is gone takes no turn"
    );
}

#[test]
fn what_somebody_else_moves_takes_a_turn_too() {
    let mut turns = Turns::default();
    let mut moving = after(&unit(ACCOUNT, "staging"), false);
    moving.report.notes.push(Note::new(
        Cause::WaitingForService,
        "Endpoint churn",
        "it is Updating",
    ));
    for n in 10..17 {
        turns.note(&format!("models/m{n}"), &moving);
    }
    assert_eq!(asked(&mut turns, 3, &unit(ACCOUNT, "staging")), 0);
}

#[test]
fn without_a_turn_what_is_new_is_made_and_nothing_else_touched() {
    let mut pass = unit(ACCOUNT, "staging");
    let steps: Option<Steps> = pass.turn(Err(others()));
    assert!(steps.is_some());
    assert_eq!(pass.plan.steps.len(), 1);
    assert!(pass.is_queued());
    assert_eq!(pass.state(), State::Waiting);
    let mut pass = unit(ACCOUNT, "staging");
    pass.plan.steps.remove(0);
    assert!(pass.turn(Err(others())).is_none());
    assert!(!pass.in_motion(), "it is woken when a turn is free");
    let mut pass = unit(ACCOUNT, "staging");
    assert!(pass.turn(Ok(())).is_some());
    assert_eq!(pass.plan.steps.len(), 3);
}

fn others() -> Refused {
    Refused {
        cause: Cause::WaitingForTurn,
        words: "others are at it".to_owned(),
    }
}

/// An installation that says this beside what it must.
fn installation(member: &str, value: Value) -> Installation {
    let mut file =
        json!({"version": 1, "installation": "acme", "scopes": [scope(ACCOUNT).to_string()]});
    file[member] = value;
    serde_json::from_value(file).expect("a sound file")
}

/// How many of a hundred production endpoints one change rolls, one after the other.
fn reached(turns: &mut Turns) -> usize {
    let mut pass = unit(ACCOUNT, "production");
    pass.production = true;
    for step in &mut pass.plan.steps {
        step.reason.commit = "4f1c09ab2e7788".to_owned();
    }
    let mut rest = pass.clone();
    rest.outcome = None;
    for n in 0..100 {
        turns.note(&format!("models/m{n}"), &rest);
    }
    let mut waits = pass.clone();
    waits.report.note(Cause::WaitingForTurn, "", "");
    // Somebody waits all the while: it is one change.
    turns.note("models/m99", &waits);
    let roll = |n: &usize| {
        let folder = format!("models/m{n}");
        let may = turns.ask(&folder, &pass);
        if let Err(refused) = &may {
            assert_eq!(refused.cause, Cause::RolloutHeld);
            assert!(
                refused.words.contains("holds \"4f1c09ab2e77\""),
                "{}",
                refused.words
            );
        }
        turns.note(&folder, &after(&pass, may.is_ok()));
        turns.note(&folder, &rest);
        may.is_ok()
    };
    (0..90).filter(roll).count()
}

#[test]
fn a_change_reaches_a_tenth_of_production_before_it_is_confirmed() {
    let mut turns = Turns::default();
    assert_eq!(reached(&mut turns), 10);
    turns.limit(&installation("turns", json!({"unconfirmed": 40})));
    assert_eq!(reached(&mut turns), 40);
    turns.limit(&installation("confirm_rollouts", json!(["4f1c09ab2e77"])));
    assert_eq!(reached(&mut turns), 90);
    let mut other = Turns::default();
    other.limit(&installation("confirm_rollouts", json!(["000000000000"])));
    assert_eq!(reached(&mut other), 10);
}

#[test]
fn an_installation_sets_its_own_limits() {
    let pass = unit(ACCOUNT, "staging");
    let mut turns = Turns::default();
    turns.limit(&installation("turns", json!({"min": 2})));
    assert_eq!(asked(&mut turns, 9, &pass), 2);
}
