//! The port: what the middle asks of a cloud, as data, and the machines that ask.
//!
//! A machine does no I/O. Production drives it over [`crate::aws`] with bounded concurrency;
//! the simulation drives it over [`crate::world`] in a plain loop. A crash is dropping the machine
//! between [`Machine::next`] and [`Machine::done`].

use crate::clock::Timestamp;
use crate::resource::call::{Answer, Call};

/// Names one call of a machine, unique within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// What a machine wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// These calls, in any order; each is answered by one `done`. Calls handed out before and not
    /// yet answered are not repeated. Empty while answers are outstanding.
    Calls(Vec<(CallId, Call)>),
    /// Nothing more.
    Done,
}

/// A piece of work that needs a cloud, without I/O of its own.
pub trait Machine {
    /// What it comes to.
    type Output;
    /// What to do next. After [`Next::Done`] only `finish` may be called.
    fn next(&mut self, now: Timestamp) -> Next;
    /// Hands in the answer to a call.
    fn done(&mut self, id: CallId, answer: Answer, now: Timestamp);
    /// The result. Callable at any time: what was not answered is unknown.
    fn finish(self) -> Self::Output;
}

/// Drives a machine against a function that answers at once, one call after the other.
pub fn drive<M: Machine>(
    mut machine: M,
    now: Timestamp,
    mut answer: impl FnMut(&Call) -> Answer,
) -> M::Output {
    while let Next::Calls(calls) = machine.next(now) {
        for (id, call) in calls {
            let reply = answer(&call);
            machine.done(id, reply, now);
        }
    }
    machine.finish()
}
