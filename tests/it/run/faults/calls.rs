//! Every call to AWS that a first deployment makes goes wrong once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use trueup::aws;
use trueup::daemon::Cadence;

use crate::run::kill::record::Record;
use crate::sim::random::Random;
use crate::support::fleet::{Fleet, in_sync};
use crate::support::relay::{Asked, Fate, Relay};

/// How long a call may take here.
const DEADLINE: Duration = Duration::from_secs(1);
/// Longer than that.
const LATE: Duration = Duration::from_millis(1_500);
/// Requests of a deployment without faults are about 200; each fault costs a few looks.
const CALLS_MAX: usize = 2_500;
/// Different calls at least, and different changes.
const CALLS_MIN: usize = 25;
const CHANGES_MIN: usize = 11;
const DENIED: &str = r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#;
const THROTTLED: &str = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
const BROKEN: &str = r#"{"__type":"InternalFailure","message":"it broke"}"#;

/// A deployment comes about, whatever becomes of its requests, and makes nothing twice. What was
/// asked.
async fn comes_about(judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Vec<Asked> {
    let mut between = None;
    let through = async |url: String| {
        let relay = Relay::to(&url).await;
        relay.judged_by(judge);
        let options = aws::Options {
            deadline: DEADLINE,
            ..aws::Options::local(relay.url.clone())
        };
        between = Some(relay);
        options
    };
    let often = Cadence {
        sweep: Duration::from_millis(300),
        retry: Duration::from_millis(100),
        ..Cadence::local()
    };
    let mut fleet = Fleet::start_through(&["m"], |_| {}, often, through).await;
    fleet
        .until("m", |report, _| in_sync(report, "staging"))
        .await;
    let mut record = Record::default();
    for call in fleet.local.calls(0) {
        let call = serde_json::to_value(call).unwrap();
        assert_eq!(record.note(&call), Ok(()));
    }
    let asked = between.unwrap().seen();
    assert!(asked.len() <= CALLS_MAX, "{} calls", asked.len());
    asked
}

/// The same, where each call, or each that changes something, has a fate of its own the first time.
async fn once_each(changes_only: bool, fate: fn() -> Fate) {
    let met = Mutex::new(BTreeSet::new());
    let asked = comes_about(move |asked| {
        let name = format!("{} {}", asked.operation, asked.about);
        let concerned = asked.changes || !changes_only;
        if concerned && met.lock().unwrap().insert(name) {
            fate()
        } else {
            Fate::Pass
        }
    });
    let asked = asked.await;
    let different: BTreeSet<_> = asked
        .iter()
        .filter(|one| one.changes || !changes_only)
        .map(|one| (&one.operation, &one.about))
        .collect();
    let least = if changes_only { CHANGES_MIN } else { CALLS_MIN };
    assert!(different.len() >= least, "{different:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_is_never_answered_once() {
    once_each(false, || Fate::Hang).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_is_refused_once() {
    once_each(false, || Fate::Refuse(400, DENIED)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_loses_its_connection_once() {
    once_each(false, || Fate::Vanish).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_is_done_and_answered_with_an_error_once() {
    once_each(true, || Fate::Forget(500, BROKEN)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_is_done_and_answered_too_late_once() {
    once_each(true, || Fate::Late(LATE)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_calls_in_ten_are_throttled() {
    let dice = Mutex::new(Random::new(7, 1));
    comes_about(move |asked| {
        let to_sagemaker = asked.about.starts_with("/ ");
        if to_sagemaker && dice.lock().unwrap().below(10) < 3 {
            Fate::Refuse(400, THROTTLED)
        } else {
            Fate::Pass
        }
    })
    .await;
}
