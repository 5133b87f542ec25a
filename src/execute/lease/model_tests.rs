//! All orders of what can happen to a lease, up to a depth: who sends when, which calls arrive, which
//! answers are lost, which calls come late, when time passes, and when somebody deletes the object.
//! A process that is frozen is one that does nothing for a while, so that is among them.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::json;

use super::{Address, Document, Identity, Keeper, Standing, Terms, Visit};
use crate::clock::{SignedDuration, Timestamp};
use crate::cloud::{CallId, Machine as _, Next};
use crate::resource::call::{Answer, Call, OpError, Scope};

/// A tick is a second.
const TERMS: Terms = Terms {
    term: SignedDuration::from_secs(3),
    renew: SignedDuration::from_secs(1),
    margin: SignedDuration::from_secs(1),
    tail: SignedDuration::ZERO,
    settle: SignedDuration::from_secs(4),
};
/// States that one walk looks at.
const STATES: usize = 60_000;
/// Calls of one process that were given up and may yet arrive.
const LATE_MAX: usize = 1;
/// Objects that somebody deletes.
const DELETED_MAX: u32 = 2;

/// One process.
#[derive(Debug, Clone)]
struct Node {
    /// By how much its clock is off.
    skew: i64,
    doing: Doing,
    late: Vec<Call>,
}

#[derive(Debug, Clone)]
enum Doing {
    Nothing(Keeper),
    Waits(Visit, CallId, Call),
    Answered(Visit, CallId, Answer),
}

#[derive(Debug, Clone)]
struct Model {
    terms: Terms,
    time: i64,
    object: Option<String>,
    nodes: Vec<Node>,
    deleted: u32,
}

/// What can happen next.
#[derive(Debug, Clone, Copy)]
enum Act {
    Tick,
    Delete,
    /// A process begins a visit.
    Begin(usize),
    /// Its call is carried out.
    Arrive(usize),
    /// The answer reaches it.
    Hear(usize),
    /// It hears nothing, and the call may yet arrive or may have.
    Lose(usize),
    /// A call that was given up is carried out now.
    Late(usize),
}

fn get(node: &Node) -> &Keeper {
    match &node.doing {
        Doing::Nothing(keeper) => keeper,
        Doing::Waits(visit, ..) | Doing::Answered(visit, ..) => visit.keeper(),
    }
}

impl Model {
    fn new(nodes: usize, terms: Terms) -> Self {
        let scope = Scope {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let node = |n: usize| {
            let me = Identity {
                holder: format!("node {n}"),
                session: n.to_string(),
                place: None,
            };
            let at = Address::of(scope.clone(), "b".to_owned(), "i");
            Node {
                skew: [0, 1_000, -1_000][n],
                doing: Doing::Nothing(Keeper::new(me, at, terms)),
                late: Vec::new(),
            }
        };
        Self {
            terms,
            time: 10_000,
            object: None,
            nodes: (0..nodes).map(node).collect(),
            deleted: 0,
        }
    }

    fn now(&self, node: usize) -> Timestamp {
        Timestamp::from_second(self.time + self.nodes[node].skew).unwrap()
    }

    fn allowed(&self, node: usize) -> bool {
        let now = self.now(node);
        get(&self.nodes[node])
            .until(now)
            .is_some_and(|until| now < until)
    }

    fn acts(&self) -> Vec<Act> {
        let mut acts = vec![Act::Tick];
        if self.object.is_some() && self.deleted < DELETED_MAX {
            acts.push(Act::Delete);
        }
        for (n, node) in self.nodes.iter().enumerate() {
            match &node.doing {
                Doing::Nothing(keeper) => {
                    if keeper
                        .due(self.now(n))
                        .is_some_and(|due| due <= self.now(n))
                    {
                        acts.push(Act::Begin(n));
                    }
                }
                Doing::Waits(_, _, call) => {
                    acts.push(Act::Arrive(n));
                    if call.mutates() && node.late.len() < LATE_MAX {
                        acts.push(Act::Lose(n));
                    }
                }
                Doing::Answered(..) => acts.extend([Act::Hear(n), Act::Lose(n)]),
            }
            if !node.late.is_empty() {
                acts.push(Act::Late(n));
            }
        }
        acts
    }

    fn act(&self, act: Act) -> Self {
        let mut next = self.clone();
        match act {
            Act::Tick => next.time += 1,
            Act::Delete => {
                next.object = None;
                next.deleted += 1;
            }
            Act::Begin(n) => {
                let doing = next.nodes[n].doing.clone();
                if let Doing::Nothing(keeper) = doing {
                    next.goes_on(n, keeper.visit());
                }
            }
            Act::Arrive(n) => {
                let doing = next.nodes[n].doing.clone();
                if let Doing::Waits(visit, id, call) = doing {
                    let answer = next.carry_out(&call);
                    next.nodes[n].doing = Doing::Answered(visit, id, answer);
                }
            }
            Act::Hear(n) => {
                let doing = next.nodes[n].doing.clone();
                if let Doing::Answered(visit, id, answer) = doing {
                    next.hears(n, visit, id, answer);
                }
            }
            Act::Lose(n) => match next.nodes[n].doing.clone() {
                Doing::Waits(visit, id, call) => {
                    let lost = OpError::lost(call.op, "lost");
                    next.nodes[n].late.push(call);
                    next.hears(n, visit, id, Err(lost));
                }
                Doing::Answered(visit, id, _) => {
                    next.hears(n, visit, id, Err(OpError::lost("PutObject", "lost")));
                }
                Doing::Nothing(_) => {}
            },
            Act::Late(n) => {
                let call = next.nodes[n].late.remove(0);
                // Nobody hears the answer.
                drop(next.carry_out(&call));
            }
        }
        next
    }

    fn hears(&mut self, n: usize, mut visit: Visit, id: CallId, answer: Answer) {
        visit.done(id, answer, self.now(n));
        self.goes_on(n, visit);
    }

    fn goes_on(&mut self, n: usize, mut visit: Visit) {
        self.nodes[n].doing = match visit.next(self.now(n)) {
            Next::Calls(mut calls) => {
                let (id, call) = calls.remove(0);
                Doing::Waits(visit, id, call)
            }
            Next::Done => Doing::Nothing(visit.finish()),
        };
    }

    /// The fence never falls.
    fn carry_out(&mut self, call: &Call) -> Answer {
        let before = self.object.clone();
        let answer = carry_out(&mut self.object, call);
        if let (Some(before), Some(after)) = (before, &self.object) {
            let read = |text: &str| Document::read(text).unwrap();
            let (before, after) = (read(&before), read(after));
            let same = before.session == after.session && before.fence == after.fence;
            assert!(
                same || before.fence < after.fence,
                "the fence falls from {before:?} to {after:?}"
            );
        }
        answer
    }

    fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.time, &self.object, self.deleted).hash(&mut hasher);
        let call = |call: &Call, hasher: &mut DefaultHasher| {
            (call.op, &call.blob, call.body["IfMatch"].as_str()).hash(hasher);
        };
        for node in &self.nodes {
            match &node.doing {
                Doing::Nothing(keeper) => (0, keeper).hash(&mut hasher),
                Doing::Waits(visit, id, out) => {
                    (1, visit, id).hash(&mut hasher);
                    call(out, &mut hasher);
                }
                Doing::Answered(visit, id, answer) => {
                    (2, visit, id).hash(&mut hasher);
                    match answer {
                        Ok(answer) => answer["ETag"].as_str().hash(&mut hasher),
                        Err(error) => error.code.hash(&mut hasher),
                    }
                }
            }
            node.late.iter().for_each(|late| call(late, &mut hasher));
        }
        hasher.finish()
    }

    /// Whoever goes on alone may write before long.
    fn goes_on_in_the_end(&self) {
        let within = 2 * (self.terms.term + self.terms.margin + self.terms.settle).as_secs();
        for n in 0..self.nodes.len() {
            let took = self.alone(n);
            assert!(took <= within, "{took} s until node {n} leads: {self:#?}");
        }
    }

    /// Only one process goes on, in calm weather: how long until it may change something.
    fn alone(&self, n: usize) -> i64 {
        let mut model = self.clone();
        let start = model.time;
        model.nodes.iter_mut().for_each(|node| node.late.clear());
        while !model.allowed(n) {
            assert!(model.time < start + 30, "node {n} never leads: {self:#?}");
            let mine = |act: &Act| match act {
                Act::Begin(of) | Act::Arrive(of) | Act::Hear(of) => *of == n,
                _ => false,
            };
            let act = model.acts().into_iter().find(mine).unwrap_or(Act::Tick);
            model = model.act(act);
        }
        model.time - start
    }
}

/// S3, as far as one object goes; the text is its own tag.
pub(super) fn carry_out(object: &mut Option<String>, call: &Call) -> Answer {
    let refused = |code: &str| Err(OpError::refused(call.op, code, ""));
    let Some(blob) = &call.blob else {
        return match object {
            Some(text) => Ok(json!({"Body": text, "ETag": text})),
            None => refused("NoSuchKey"),
        };
    };
    match (call.body["IfMatch"].as_str(), &object) {
        (Some(_), None) => return refused("NoSuchKey"),
        (Some(tag), Some(text)) if tag != text.as_str() => return refused("PreconditionFailed"),
        (None, Some(_)) => return refused("PreconditionFailed"),
        _ => {}
    }
    let text = std::str::from_utf8(blob).unwrap().to_owned();
    *object = Some(text.clone());
    Ok(json!({"ETag": text}))
}

/// What a walk came to.
#[derive(Debug, Default)]
struct Walk {
    deepest: u32,
    /// States with one who may write.
    led: usize,
    /// The first state with two.
    bad: Option<Model>,
}

/// Walks everything that can come of `start`, breadth first, up to so many states.
fn walk(start: Model, states: usize) -> Walk {
    let mut known = BTreeSet::from([start.key()]);
    let mut queue = VecDeque::from([(0, start)]);
    let (mut walk, mut seen) = (Walk::default(), 0_usize);
    while let Some((depth, model)) = queue.pop_front() {
        walk.deepest = depth;
        seen += 1;
        let leaders = (0..model.nodes.len()).filter(|n| model.allowed(*n)).count();
        if leaders > 1 {
            walk.bad = Some(model);
            return walk;
        }
        walk.led += leaders;
        if seen.is_multiple_of(997) {
            model.goes_on_in_the_end();
        }
        for act in model.acts() {
            let next = model.act(act);
            if known.len() < states && known.insert(next.key()) {
                queue.push_back((depth + 1, next));
            }
        }
    }
    walk
}

/// One process was driven in calm weather until it may write, and the others have looked.
fn led_by_first(nodes: usize, terms: Terms) -> Model {
    let mut model = Model::new(nodes, terms);
    let mut drive = |n: usize, until: fn(&Model, usize) -> bool| {
        while !until(&model, n) {
            let mine = |act: &Act| match act {
                Act::Begin(of) | Act::Arrive(of) | Act::Hear(of) => *of == n,
                _ => false,
            };
            let act = model.acts().into_iter().find(mine).unwrap_or(Act::Tick);
            model = model.act(act);
        }
    };
    drive(0, Model::allowed);
    for n in 1..nodes {
        drive(n, |model, n| {
            let standing = get(&model.nodes[n]).standing(model.now(n));
            matches!(standing, Standing::Elsewhere { .. })
        });
    }
    model
}

fn check(start: Model, states: usize, deep: u32, led: usize) {
    let walk = walk(start, states);
    assert!(walk.bad.is_none(), "two may write: {:#?}", walk.bad);
    assert!(
        walk.deepest >= deep && walk.led >= led,
        "it went {} deep, and {} states had a leader",
        walk.deepest,
        walk.led
    );
}

#[test]
fn never_two_may_write_whatever_happens_from_nothing_on() {
    check(Model::new(2, TERMS), STATES, 12, 0);
}

#[test]
fn never_two_may_write_whatever_happens_to_a_leader() {
    check(led_by_first(2, TERMS), STATES, 12, 1_000);
}

#[test]
fn never_two_of_three_may_write() {
    check(led_by_first(3, TERMS), STATES, 8, 1_000);
}

/// The walk finds what it looks for: each of the rules is needed.
#[test]
fn without_any_of_its_rules_two_may_write() {
    let bad = |terms: Terms| {
        let found = walk(led_by_first(2, terms), STATES);
        assert!(found.bad.is_some(), "{terms:?}: {} deep", found.deepest);
    };
    bad(Terms {
        settle: SignedDuration::ZERO,
        ..TERMS
    });
    bad(Terms {
        margin: SignedDuration::from_secs(-1),
        ..TERMS
    });
}
