//! What becomes of a lease, case by case.

use super::model_tests::carry_out;
use super::{Address, Document, Identity, Keeper, Standing, Terms};
use crate::clock::{SignedDuration, Timestamp};
use crate::cloud::{Machine as _, Next};
use crate::limits::{LEASE_HEADS_MAX, LEASE_TERM};
use crate::resource::call::{Answer, Call, OpError, Scope};

fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn at() -> Address {
    let bucket = "sagemaker-eu-west-1-111122223333".to_owned();
    Address::of(scope(), bucket, "acme")
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// S3, a clock, and what is to become of the next answers.
struct Stage {
    object: Option<String>,
    now: Timestamp,
    fates: Vec<Fate>,
    calls: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Well,
    /// Carried out, and the answer lost.
    Lost,
    /// Never carried out, which nobody knows.
    Dropped,
    Refused(&'static str),
}

impl Stage {
    fn new() -> Self {
        Self {
            object: None,
            now: "2026-11-02T09:00:00Z".parse().unwrap(),
            fates: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn answer(&mut self, call: &Call) -> Answer {
        self.calls.push(call.op);
        let fate = if self.fates.is_empty() {
            Fate::Well
        } else {
            self.fates.remove(0)
        };
        let lost = || Err(OpError::lost(call.op, "no answer"));
        match fate {
            Fate::Well => carry_out(&mut self.object, call),
            Fate::Lost => {
                drop(carry_out(&mut self.object, call));
                lost()
            }
            Fate::Dropped => lost(),
            Fate::Refused(code) => Err(OpError::refused(call.op, code, "words")),
        }
    }

    /// One visit, with these fates of its calls; the calls that it made.
    fn visit(&mut self, keeper: Keeper, fates: &[Fate]) -> (Keeper, Vec<&'static str>) {
        self.fates = fates.to_vec();
        let mut visit = keeper.visit();
        while let Next::Calls(calls) = visit.next(self.now) {
            for (id, call) in calls {
                let answer = self.answer(&call);
                visit.done(id, answer, self.now);
            }
        }
        assert!(self.fates.is_empty(), "fewer calls than fates");
        (visit.finish(), std::mem::take(&mut self.calls))
    }

    /// Visits whenever it is due, for so long.
    fn keep(&mut self, mut keeper: Keeper, time: SignedDuration) -> Keeper {
        let end = self.now + time;
        while let Some(due) = keeper.due(self.now).filter(|due| *due <= end) {
            self.now = self.now.max(due);
            keeper = self.visit(keeper, &[]).0;
            self.now += SignedDuration::from_millis(1);
        }
        self.now = end;
        keeper
    }

    fn document(&self) -> Document {
        Document::read(self.object.as_deref().unwrap()).unwrap()
    }

    fn may_write(&self, keeper: &Keeper) -> bool {
        keeper.until(self.now).is_some_and(|until| self.now < until)
    }

    /// One that leads.
    fn leader(&mut self, session: &str) -> Keeper {
        let settle = Terms::default().settle + seconds(1);
        let keeper = self.keep(keeper(session, None), settle);
        assert!(self.may_write(&keeper), "{:?}", keeper.standing(self.now));
        keeper
    }
}

fn keeper(session: &str, place: Option<&str>) -> Keeper {
    let me = Identity {
        holder: format!("host {session}"),
        session: session.to_owned(),
        place: place.map(str::to_owned),
    };
    Keeper::new(me, at(), Terms::default())
}

#[test]
fn who_finds_none_takes_it_and_waits_for_one_whom_it_may_have_been_deleted_under() {
    let mut stage = Stage::new();
    let (first, calls) = stage.visit(keeper("a", None), &[]);
    assert_eq!(calls, ["GetObject", "PutObject"]);
    let from = stage.now + Terms::default().settle;
    assert_eq!(first.standing(stage.now), Standing::Settles { from });
    assert!(!stage.may_write(&first));
    let first = stage.keep(first, Terms::default().settle);
    assert_eq!(first.standing(stage.now), Standing::Leads { fence: 1 });
    assert_eq!(stage.document().fence, 1);
    let (_, calls) = stage.visit(first, &[]);
    assert_eq!(calls, ["PutObject"], "a renewal is one call");
}

#[test]
fn another_waits_for_as_long_as_the_word_is_good_and_not_a_moment_less() {
    let mut stage = Stage::new();
    let first = stage.leader("a");
    let term = Terms::default().term + Terms::default().margin;
    let second = stage.keep(keeper("b", None), term - seconds(1));
    let Standing::Elsewhere { document, until } = second.standing(stage.now) else {
        panic!("{:?}", second.standing(stage.now));
    };
    assert_eq!(document.holder, "host a");
    assert!(!stage.may_write(&first), "it stopped long before");
    stage.now = until - SignedDuration::from_micros(1);
    let (second, calls) = stage.visit(second, &[]);
    assert_eq!(calls, ["GetObject"]);
    stage.now = until;
    let (second, calls) = stage.visit(second, &[]);
    assert_eq!(calls, ["GetObject", "PutObject"]);
    assert_eq!(second.standing(stage.now), Standing::Leads { fence: 2 });
    let (first, _) = stage.visit(first, &[]);
    assert!(matches!(
        first.standing(stage.now),
        Standing::Elsewhere { .. }
    ));
}

#[test]
fn a_word_given_meanwhile_begins_the_wait_anew() {
    let mut stage = Stage::new();
    let mut first = stage.leader("a");
    let mut second = keeper("b", None);
    for _ in 0..30 {
        first = stage.keep(first, seconds(5));
        second = stage.keep(second, seconds(5));
        assert!(matches!(
            second.standing(stage.now),
            Standing::Elsewhere { .. }
        ));
    }
    assert_eq!(stage.document().session, "a");
    // One that slept through its time and was not taken over goes on where it was.
    stage.now += SignedDuration::try_from(LEASE_TERM).unwrap();
    assert!(matches!(first.standing(stage.now), Standing::Lapsed { .. }));
    let (first, _) = stage.visit(first, &[]);
    assert_eq!(first.standing(stage.now), Standing::Leads { fence: 1 });
}

#[test]
fn what_was_given_back_is_taken_at_once_and_its_heads_with_it() {
    let mut stage = Stage::new();
    let mut first = stage.leader("a");
    first.remember("url main", "1a");
    assert_eq!(
        first.due(stage.now),
        Some(stage.now),
        "what is new is written now"
    );
    let (mut first, _) = stage.visit(first, &[]);
    first.leave();
    assert!(!stage.may_write(&first), "nothing from now on");
    let (first, _) = stage.visit(first, &[]);
    assert_eq!(first.due(stage.now), None);
    assert!(stage.document().is_given_back());
    let (second, _) = stage.visit(keeper("b", None), &[]);
    assert_eq!(second.standing(stage.now), Standing::Leads { fence: 2 });
    assert_eq!(second.heads()["url main"], "1a");
}

#[test]
fn who_ended_in_the_same_place_is_not_waited_for() {
    let mut stage = Stage::new();
    let place = Some("boot 1 file 2");
    let first = stage.keep(keeper("a", place), Terms::default().settle + seconds(1));
    assert!(stage.may_write(&first));
    let (elsewhere, _) = stage.visit(keeper("b", Some("boot 1 file 3")), &[]);
    assert!(!stage.may_write(&elsewhere));
    let (second, _) = stage.visit(keeper("c", place), &[]);
    assert_eq!(second.standing(stage.now), Standing::Leads { fence: 2 });
    let (nowhere, _) = stage.visit(keeper("d", None), &[]);
    assert!(!stage.may_write(&nowhere));
}

#[test]
fn a_lost_answer_is_resolved_by_a_look() {
    let mut stage = Stage::new();
    let first = stage.leader("a");
    let before = first.until(stage.now);
    let dropped = [Fate::Dropped, Fate::Well];
    let (first, calls) = stage.visit(first, &dropped);
    assert_eq!(calls, ["PutObject", "GetObject"]);
    assert_eq!(first.until(stage.now), before, "it did not arrive");
    let (first, _) = stage.visit(first, &[Fate::Lost, Fate::Well]);
    let after = first.until(stage.now);
    assert!(after > before, "it did");
    // Neither is known: nothing is counted on, and the next visit finds out.
    stage.now += seconds(1);
    let (first, _) = stage.visit(first, &[Fate::Lost, Fate::Dropped]);
    assert_eq!(first.until(stage.now), after);
    stage.now += seconds(1);
    let (first, calls) = stage.visit(first, &[]);
    assert_eq!(
        calls,
        ["PutObject", "GetObject"],
        "its tag is not the one that was known"
    );
    assert_eq!(
        first.until(stage.now),
        after.map(|after| after + seconds(1))
    );
    let (second, _) = stage.visit(keeper("b", None), &[Fate::Well]);
    stage.now += Terms::default().term + Terms::default().margin;
    let (second, _) = stage.visit(second, &[Fate::Well, Fate::Lost, Fate::Well]);
    assert_eq!(second.standing(stage.now), Standing::Leads { fence: 2 });
}

#[test]
fn what_cannot_be_read_is_not_taken_for_nothing() {
    let mut stage = Stage::new();
    let (first, calls) = stage.visit(keeper("a", None), &[Fate::Refused("AccessDenied")]);
    assert_eq!(calls, ["GetObject"]);
    let says = |keeper: &Keeper, now, words: &str| {
        let Standing::Unreadable { why } = keeper.standing(now) else {
            panic!("{:?}", keeper.standing(now));
        };
        assert!(
            why.contains(words) && why.contains("trueup/lease/acme.json"),
            "{why}"
        );
    };
    says(&first, stage.now, "AccessDenied");
    for (text, words) in [("", "not a lease"), ("{\"v\":2}", "version 2")] {
        stage.object = Some(text.to_owned());
        let before = stage.object.clone();
        let kept = stage.keep(first.clone(), Terms::default().settle * 3);
        says(&kept, stage.now, words);
        assert!(!stage.may_write(&kept));
        assert_eq!(stage.object, before, "it is left as it is");
    }
    // A leader who finds such a thing stops.
    stage.object = None;
    let leader = stage.leader("b");
    stage.object = Some("{\"v\":2}".to_owned());
    let (leader, _) = stage.visit(leader, &[]);
    assert!(!stage.may_write(&leader));
}

#[test]
fn a_lease_that_is_deleted_is_made_anew_by_its_holder_who_goes_on() {
    let mut stage = Stage::new();
    let mut first = stage.leader("a");
    first.remember("url main", "1a");
    let first = stage.keep(first, seconds(1));
    stage.object = None;
    let (first, calls) = stage.visit(first, &[]);
    assert_eq!(calls, ["PutObject", "GetObject", "PutObject"]);
    assert_eq!(first.standing(stage.now), Standing::Leads { fence: 1 });
    assert_eq!(stage.document().heads["url main"], "1a");
    // One who finds out too late begins as everybody else.
    stage.object = None;
    stage.now += Terms::default().term;
    let first = stage.keep(first, seconds(5));
    assert!(matches!(
        first.standing(stage.now),
        Standing::Settles { .. }
    ));
    assert_eq!(stage.document().fence, 2);
}

#[test]
fn one_who_was_overtaken_forgets_what_it_wanted_remembered() {
    let mut stage = Stage::new();
    let mut first = stage.leader("a");
    first.remember("url main", "old");
    stage.now += Terms::default().term * 2;
    let second = stage.keep(keeper("b", None), Terms::default().term * 2);
    assert!(stage.may_write(&second));
    let (first, _) = stage.visit(first, &[]);
    let mut second = second;
    second.remember("url main", "new");
    second.leave();
    let (_, _) = stage.visit(second, &[]);
    let (first, _) = stage.visit(first, &[]);
    assert_eq!(first.standing(stage.now), Standing::Leads { fence: 3 });
    assert_eq!(stage.document().heads["url main"], "new");
}

#[test]
fn heads_have_an_end() {
    let mut stage = Stage::new();
    let mut first = stage.leader("a");
    for n in 0..=LEASE_HEADS_MAX {
        first.remember(&format!("url {n}"), "1a");
    }
    let (mut first, _) = stage.visit(first, &[]);
    assert_eq!(first.heads().len(), LEASE_HEADS_MAX);
    first.remember("url 0", "2b");
    let (first, _) = stage.visit(first, &[]);
    assert_eq!(first.heads()["url 0"], "2b", "what is known moves on");
}
