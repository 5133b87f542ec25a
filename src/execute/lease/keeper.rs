//! What one process knows of a lease, and what follows from it.

use std::collections::BTreeMap;

use super::document::{Document, Word};
use super::visit::Visit;
use super::{Address, Terms};
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::LEASE_HEADS_MAX;

/// Words sent of which nobody knows whether they arrived; older ones arrive unrecognized, which only
/// means that they count for nothing.
const TRIED_MAX: usize = 8;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// For people: machine and process.
    pub holder: String,
    /// One life of one process: no other has it.
    pub session: String,
    /// What only one living process can have, such as a locked file. A lease of the same place is one
    /// whose holder has ended.
    pub place: Option<String>,
}

/// One process and one lease. Time is an argument, of a clock that only goes forward; what it shows is
/// of no matter.
#[derive(Debug, Clone, Hash)]
pub struct Keeper {
    pub(super) me: Identity,
    pub(super) at: Address,
    pub(super) terms: Terms,
    pub(super) state: State,
    /// The object's heads, as it was last seen.
    heads: BTreeMap<String, String>,
    /// What the next word says besides.
    wanted: BTreeMap<String, String>,
    /// The highest that was seen.
    fence: u64,
    turn: u64,
    /// Words that may or may not have arrived, and when they were sent.
    tried: Vec<(u64, Timestamp)>,
    /// When the last visit began.
    visited: Option<Timestamp>,
    /// What went wrong in the last visit.
    trouble: Option<String>,
    /// Whether it is to be given back.
    leaving: bool,
}

/// Whose it is, as far as is known.
#[derive(Debug, Clone, Hash)]
pub(super) enum State {
    Unknown,
    Ours(Ours),
    /// Another's word, and since when it has been watched.
    Elsewhere {
        etag: String,
        document: Document,
        watched: Timestamp,
    },
    Absent,
    Unreadable,
}

/// A lease that this process holds.
#[derive(Debug, Clone, Hash)]
pub(super) struct Ours {
    pub(super) etag: String,
    pub(super) fence: u64,
    pub(super) since: Timestamp,
    /// When the last word that is known to have arrived was sent. `None`: not known to the second.
    pub(super) counted: Option<Timestamp>,
    /// From when on something may be changed under it.
    pub(super) from: Timestamp,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has looked yet.
    Unknown,
    /// It is held here.
    Leads {
        /// The fence.
        fence: u64,
    },
    /// It is held here, and nothing may be changed yet: it may have been deleted under another.
    Settles {
        /// From then on.
        from: Timestamp,
    },
    /// It is held here, as far as is known, and its time has run out before it could be renewed.
    Lapsed {
        /// Why.
        why: String,
    },
    /// Somebody else's.
    Elsewhere {
        /// What it says.
        document: Document,
        /// When it is taken over, if nothing is heard of its holder until then.
        until: Timestamp,
    },
    /// It is there and cannot be read, or cannot be asked for.
    Unreadable {
        /// Why.
        why: String,
    },
    /// It is nobody's, and could not be taken.
    Free {
        /// Why.
        why: String,
    },
}

impl Keeper {
    /// A process that knows nothing of the lease yet.
    pub fn new(me: Identity, at: Address, terms: Terms) -> Self {
        Self {
            me,
            at,
            terms,
            state: State::Unknown,
            heads: BTreeMap::new(),
            wanted: BTreeMap::new(),
            fence: 0,
            turn: 0,
            tried: Vec::new(),
            visited: None,
            trouble: None,
            leaving: false,
        }
    }

    /// Who asks.
    pub fn identity(&self) -> &Identity {
        &self.me
    }

    /// Goes to see the lease: looks at it, takes it where it is free, renews it where it is ours.
    pub fn visit(self) -> Visit {
        Visit::new(self)
    }

    /// When to visit it next; `None`: never again.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        if self.leaving && !matches!(self.state, State::Ours(_)) {
            return None;
        }
        let Some(visited) = self.visited else {
            return Some(now);
        };
        let after = |wait| later(visited, wait);
        let soon = after(self.terms.renew / 4);
        if self.trouble.is_some() {
            return Some(soon);
        }
        if self.leaving {
            return Some(now);
        }
        let regular = after(self.terms.renew);
        Some(match &self.state {
            State::Ours(_) if self.has_news() => now,
            State::Ours(ours) if ours.from > visited => regular.min(ours.from),
            State::Ours(_) | State::Unreadable => regular,
            State::Elsewhere {
                document, watched, ..
            } => regular.min(self.free_at(document, *watched)),
            State::Unknown | State::Absent => soon,
        })
    }

    /// How things stand.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let why = || {
            let words = self.trouble.clone();
            words.unwrap_or_else(|| "nothing was heard of it in time".to_owned())
        };
        match &self.state {
            State::Unknown if self.visited.is_none() => Standing::Unknown,
            State::Unknown | State::Unreadable => Standing::Unreadable { why: why() },
            State::Absent => Standing::Free { why: why() },
            State::Ours(ours) if ours.from > now => Standing::Settles { from: ours.from },
            State::Ours(ours) if self.until(now).is_some_and(|until| now < until) => {
                Standing::Leads { fence: ours.fence }
            }
            State::Ours(_) => Standing::Lapsed { why: why() },
            State::Elsewhere {
                document, watched, ..
            } => Standing::Elsewhere {
                until: self.free_at(document, *watched),
                document: document.clone(),
            },
        }
    }

    /// Until when something may be changed, as far as is known now.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let State::Ours(ours) = &self.state else {
            return None;
        };
        let short = self.terms.margin + self.terms.tail;
        let until = later(ours.counted?, self.terms.term - short);
        (now >= ours.from && !self.leaving).then_some(until)
    }

    /// The newest commits acted on, as far as the lease was seen.
    pub fn heads(&self) -> &BTreeMap<String, String> {
        &self.heads
    }

    /// Asks for a commit to be remembered as acted on, with the next word.
    pub fn remember(&mut self, head: &str, commit: &str) {
        let known = self.heads.len() + self.wanted.len();
        if known < LEASE_HEADS_MAX || self.heads.contains_key(head) {
            self.wanted.insert(head.to_owned(), commit.to_owned());
        }
    }

    /// Asks for the lease to be given back. From now on nothing may be changed.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// Whether it is to be given back.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    fn has_news(&self) -> bool {
        let known = |(head, commit): (&String, &String)| self.heads.get(head) == Some(commit);
        !self.wanted.iter().all(known)
    }

    /// When a word that was watched since then has run out for everybody.
    pub(super) fn free_at(&self, document: &Document, watched: Timestamp) -> Timestamp {
        let same = document.place.is_some() && document.place == self.me.place;
        if document.is_given_back() || same {
            return watched;
        }
        later(watched, document.term() + self.terms.margin)
    }

    /// The word to write now: with the fence that is ours, or the next.
    pub(super) fn word(&mut self, now: Timestamp) -> Document {
        self.turn += 1;
        if self.tried.len() == TRIED_MAX {
            self.tried.remove(0);
        }
        self.tried.push((self.turn, now));
        let (fence, since) = match &self.state {
            State::Ours(ours) => (ours.fence, ours.since),
            _ => (self.fence.saturating_add(1), now),
        };
        let mut heads = self.heads.clone();
        heads.extend(self.wanted.clone());
        let word = Word {
            holder: &self.me.holder,
            session: &self.me.session,
            place: self.me.place.as_deref(),
            turn: self.turn,
            fence,
            since,
            heads: &heads,
        };
        let term = if self.leaving {
            SignedDuration::ZERO
        } else {
            self.terms.term
        };
        Document::new(&word, now, term)
    }

    /// Takes note of what went wrong.
    pub(super) fn failed(&mut self, why: String) {
        self.trouble = Some(why);
    }

    /// Takes note that a visit began.
    pub(super) fn began(&mut self, now: Timestamp) {
        self.visited = Some(now);
        self.trouble = None;
    }

    /// Takes note of the object. What is ours is known by its session, and by its turn since when it
    /// counts; it counts from `from` on where it was not ours before.
    pub(super) fn saw(
        &mut self,
        etag: String,
        document: Document,
        now: Timestamp,
        from: Timestamp,
    ) {
        self.fence = self.fence.max(document.fence);
        self.heads.clone_from(&document.heads);
        if document.session == self.me.session {
            self.saw_ours(etag, &document, from);
            return;
        }
        self.wanted.clear();
        self.trouble = None;
        let watched = match &self.state {
            State::Elsewhere {
                etag: before,
                watched,
                ..
            } if *before == etag => *watched,
            _ => now,
        };
        self.state = State::Elsewhere {
            etag,
            document,
            watched,
        };
    }

    fn saw_ours(&mut self, etag: String, document: &Document, from: Timestamp) {
        if document.is_given_back() {
            self.state = State::Absent;
            return;
        }
        let written = &document.heads;
        self.wanted
            .retain(|head, commit| written.get(head) != Some(commit));
        let sent = self.tried.iter().find(|(turn, _)| *turn == document.turn);
        let sent = sent.map(|(_, sent)| *sent);
        if sent.is_some() {
            self.trouble = None;
        }
        self.tried.retain(|(turn, _)| *turn > document.turn);
        let known = match &self.state {
            State::Ours(ours) => Some((ours.counted, ours.from)),
            _ => None,
        };
        self.state = State::Ours(Ours {
            etag,
            fence: document.fence,
            since: document.since,
            counted: sent.or_else(|| known.and_then(|(counted, _)| counted)),
            from: known.map_or(from, |(_, from)| from),
        });
    }

    /// Takes note that there is no object. Who holds it still goes on for as long as its word is
    /// good: nobody else may change anything before.
    pub(super) fn saw_nothing(&mut self, now: Timestamp) {
        self.forget_lapsed(now);
        if !matches!(self.state, State::Ours(_)) {
            self.state = State::Absent;
            self.heads.clear();
        }
    }

    /// Forgets that it was ours where it may have become another's meanwhile.
    pub(super) fn forget_lapsed(&mut self, now: Timestamp) {
        let good = self.until(now).is_some_and(|until| now < until);
        if !good && matches!(self.state, State::Ours(_)) {
            self.state = State::Absent;
        }
    }

    /// Takes note of something that is no lease.
    pub(super) fn saw_what(&mut self, why: String) {
        self.state = State::Unreadable;
        self.trouble = Some(why);
    }
}

/// That much later, if there is such a time.
pub(super) fn later(time: Timestamp, wait: SignedDuration) -> Timestamp {
    time.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
