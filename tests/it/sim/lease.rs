//! Two daemons with one installation, over one world, in virtual time: they freeze for longer than a
//! lease lasts, die, lose answers, have clocks that are minutes apart, and somebody deletes the lease.

use trueup::clock::{SignedDuration, Timestamp};
use trueup::cloud::{CallId, Machine as _, Next};
use trueup::execute::lease::{Address, Document, Identity, Keeper, Standing, Terms, Visit};
use trueup::execute::pass::Mode;
use trueup::execute::permit::Permit;
use trueup::resource::call::{Answer, Call, OpError};

use super::checks::{git_decides, nothing_doubled};
use super::passing::Passing;
use super::random::Random;
use super::stage::{Stage, Sweep, scope};
use super::weather::{Fate, Weather};
use super::workload::{Deed, FIRST_AUC};

/// Until somebody leads again and everything is done, once nothing goes wrong any more.
const CALM: SignedDuration = SignedDuration::from_hours(3);
/// Runs, unless `LEASE_SEEDS` says otherwise.
const SEEDS: u64 = 60;
/// Chance acts so often.
const STEPS: usize = 6_000;

/// The answer to one change in so many is lost.
struct Losing(Random, u64);

impl Weather for Losing {
    fn fate(&mut self, _: &Call, _: &Stage) -> Fate {
        if self.0.one_in(self.1) {
            Fate::Lost
        } else {
            Fate::Made
        }
    }
}

/// A process: it keeps the lease and passes over the repository, both at once.
struct Daemon {
    number: usize,
    /// How wrong its clock is.
    skew: SignedDuration,
    permit: Permit,
    doing: Doing,
    passing: Option<(Passing, Mode)>,
    /// When it passes next.
    pass_at: Timestamp,
    /// It does nothing until then.
    frozen: Timestamp,
}

#[expect(clippy::large_enum_variant, reason = "there are two of them")]
enum Doing {
    Nothing(Keeper),
    Visits(Visit, Vec<(CallId, Call)>),
    Moved,
}

/// A call that was given up and may arrive later.
type Late = (Timestamp, Call);

struct Theatre {
    stage: Stage,
    daemons: Vec<Daemon>,
    random: Random,
    weather: Losing,
    late: Vec<Late>,
    lives: u32,
    /// Who changed something, in order: session and fence.
    acted: Vec<(String, u64)>,
    /// Whether the lease was deleted since somebody last changed something.
    deleted: bool,
    /// What happened, to see that it did.
    figures: Figures,
    /// Nobody heeds the lease: to see that this is found.
    lawless: bool,
}

#[derive(Debug, Default)]
struct Figures {
    frozen_leaders: u32,
    dead_leaders: u32,
    deleted: u32,
    lost: u32,
    unleased: usize,
}

fn address() -> Address {
    let bucket = "sagemaker-eu-west-1-111122223333".to_owned();
    Address::of(scope(), bucket, "acme")
}

fn keeper(session: u32) -> Keeper {
    let me = Identity {
        holder: format!("host {session}"),
        session: session.to_string(),
        place: None,
    };
    Keeper::new(me, address(), Terms::default())
}

impl Daemon {
    fn born(number: usize, session: u32, skew: SignedDuration, now: Timestamp) -> Self {
        Self {
            number,
            skew,
            permit: Permit::never(),
            doing: Doing::Nothing(keeper(session)),
            passing: None,
            pass_at: now,
            frozen: now,
        }
    }

    fn keeper(&self) -> &Keeper {
        match &self.doing {
            Doing::Nothing(keeper) => keeper,
            Doing::Visits(visit, _) => visit.keeper(),
            Doing::Moved => unreachable!("only for a moment"),
        }
    }

    fn may_write(&self, stage: &Stage) -> bool {
        self.permit.allows(stage.now + self.skew)
    }
}

impl Theatre {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 40);
        let mut stage = Stage::new(FIRST_AUC);
        stage.ledger.skewed = true;
        let now = stage.now;
        let mut skew = || {
            let seconds = i64::try_from(random.below(1_200)).expect("minutes");
            SignedDuration::from_secs(seconds - 600)
        };
        let daemons = vec![
            Daemon::born(0, 1, skew(), now),
            Daemon::born(1, 2, skew(), now),
        ];
        Self {
            stage,
            daemons,
            weather: Losing(Random::new(seed, 41), 25),
            random,
            late: Vec::new(),
            lives: 2,
            acted: Vec::new(),
            deleted: false,
            figures: Figures::default(),
            lawless: false,
        }
    }

    /// Something goes wrong, or nothing does.
    fn misfortune(&mut self) {
        let now = self.stage.now;
        if self.random.one_in(120) {
            let n = usize::from(self.random.one_in(2));
            let (skew, leads) = (self.daemons[n].skew, self.daemons[n].may_write(&self.stage));
            if self.random.one_in(3) {
                self.figures.dead_leaders += u32::from(leads);
                self.lives += 1;
                self.daemons[n] = Daemon::born(n, self.lives, skew, now);
            } else {
                self.figures.frozen_leaders += u32::from(leads);
                let seconds = i64::try_from(self.random.below(240)).expect("minutes");
                self.daemons[n].frozen = now + SignedDuration::from_secs(seconds);
            }
        }
        if self.random.one_in(1_000) {
            let Address { bucket, key, .. } = address();
            let objects = self.stage.world.objects_mut();
            let deleted = objects
                .delete(&bucket, &key, now)
                .expect("the bucket is there");
            let was_there = deleted.existed;
            self.figures.deleted += u32::from(was_there);
            self.deleted = true;
        }
    }

    /// Lets a moment pass, in which some daemon does one thing.
    fn step(&mut self, wild: bool) {
        let millis = i64::try_from(self.random.below(900)).expect("less than a second");
        let wait = SignedDuration::from_millis(millis);
        self.stage.after(wait, &mut super::weather::Calm);
        if wild {
            self.misfortune();
        }
        let now = self.stage.now;
        let (due, later) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.late = later;
        for (_, call) in due {
            drop(self.stage.world.call(now, &call));
        }
        for n in 0..self.daemons.len() {
            if self.daemons[n].frozen <= now {
                self.keep(n, wild);
                // Each of its tasks may be ahead of the other.
                for _ in 0..self.random.below(4) {
                    self.pass(n);
                }
            }
            self.one_at_most();
        }
    }

    fn one_at_most(&self) {
        let may = self.daemons.iter().filter(|one| one.may_write(&self.stage));
        assert!(may.count() <= 1, "two may write at {}", self.stage.now);
    }

    /// One call about the lease.
    fn keep(&mut self, n: usize, wild: bool) {
        let daemon = &mut self.daemons[n];
        let now = self.stage.now + daemon.skew;
        let (mut visit, mut open) = match std::mem::replace(&mut daemon.doing, Doing::Moved) {
            Doing::Nothing(keeper) if keeper.due(now).is_none_or(|due| due > now) => {
                daemon.doing = Doing::Nothing(keeper);
                return;
            }
            Doing::Nothing(keeper) => (keeper.visit(), Vec::new()),
            Doing::Visits(visit, open) => (visit, open),
            Doing::Moved => unreachable!("only for a moment"),
        };
        if let Some((id, call)) = open.pop() {
            let answer = self.answer(&call, wild);
            let daemon = &mut self.daemons[n];
            visit.done(id, answer, now);
            daemon.permit.set(visit.keeper().until(now));
            daemon.doing = Doing::Visits(visit, open);
            return;
        }
        let daemon = &mut self.daemons[n];
        daemon.doing = match visit.next(now) {
            Next::Calls(calls) => Doing::Visits(visit, calls),
            Next::Done => {
                let keeper = visit.finish();
                daemon.permit.set(keeper.until(now));
                Doing::Nothing(keeper)
            }
        };
    }

    fn answer(&mut self, call: &Call, wild: bool) -> Answer {
        let now = self.stage.now;
        if !wild || !self.random.one_in(12) {
            return self.stage.world.call(now, call);
        }
        self.figures.lost += 1;
        if self.random.one_in(2) {
            drop(self.stage.world.call(now, call));
        } else if call.mutates() {
            let seconds = i64::try_from(self.random.below(200)).expect("minutes");
            self.late
                .push((now + SignedDuration::from_secs(seconds), call.clone()));
        }
        Err(OpError::lost(call.op, "no answer"))
    }

    /// One thing of a pass.
    fn pass(&mut self, n: usize) {
        let daemon = &mut self.daemons[n];
        let now = self.stage.now + daemon.skew;
        let stage = &mut self.stage;
        if daemon.passing.is_none() {
            if daemon.pass_at > stage.now {
                return;
            }
            let mode = if self.lawless || daemon.permit.allows(now) {
                Mode::Apply
            } else {
                Mode::Plan
            };
            let mut passing = Passing::new(stage, daemon.number, mode, false, now);
            if !self.lawless {
                passing = passing.under(&daemon.permit);
            }
            daemon.passing = Some((passing, mode));
        }
        let Some((passing, mode)) = &mut daemon.passing else {
            return;
        };
        let mode = *mode;
        passing.at(now);
        let (changes, commits) = (stage.ledger.changes, stage.forge.bot_commits);
        let more = passing.step(stage, &mut self.weather);
        let acted = (changes, commits) != (stage.ledger.changes, stage.forge.bot_commits);
        if !more {
            let (passing, _) = daemon.passing.take().expect("it is going on");
            let sweep = stage.end(passing, mode);
            self.figures.unleased += unleased(&sweep);
            daemon.pass_at = stage.now + stage.pause(&sweep, &mut self.weather);
        }
        if acted {
            self.acts(n);
        }
    }

    /// Takes note of who changed something. Whoever was overtaken never comes back but with another
    /// fence, and fences grow.
    fn acts(&mut self, n: usize) {
        let Standing::Leads { fence } = self.daemons[n].keeper().standing(self.now(n)) else {
            panic!("a change by one who does not lead, at {}", self.stage.now);
        };
        let document = self.document().filter(|_| !self.deleted);
        let me = (self.session(n), fence);
        if let Some(document) = document {
            assert_eq!(document.session, me.0, "another's lease");
        }
        let Some(last) = self.acted.last() else {
            self.acted.push(me);
            return;
        };
        if *last == me {
            return;
        }
        assert!(
            !self.acted.contains(&me),
            "{me:?} was overtaken by {last:?}"
        );
        assert!(self.deleted || last.1 < fence, "{last:?}, then {me:?}");
        self.acted.push(me);
        self.deleted = false;
    }

    fn now(&self, n: usize) -> Timestamp {
        self.stage.now + self.daemons[n].skew
    }

    fn session(&self, n: usize) -> String {
        self.daemons[n].keeper().identity().session.clone()
    }

    fn document(&self) -> Option<Document> {
        let Address { bucket, key, .. } = address();
        let object = self.stage.world.objects().head(&bucket, &key)?;
        Document::read(std::str::from_utf8(object.inline.as_deref()?).ok()?).ok()
    }

    /// Nothing goes wrong any more: how long until somebody leads, and until all is done.
    fn calms(&mut self) -> SignedDuration {
        self.weather.1 = 0;
        let start = self.stage.now;
        let mut led = None;
        let mut quiet = (self.stage.now, self.stage.ledger.changes);
        while self.stage.now < start + CALM {
            self.step(false);
            let (now, changes) = (self.stage.now, self.stage.ledger.changes);
            if led.is_none() && self.daemons.iter().any(|one| one.may_write(&self.stage)) {
                led = Some(now.duration_since(start));
            }
            if quiet.1 != changes {
                quiet = (now, changes);
            }
            let rest = now.duration_since(quiet.0);
            if led.is_some() && rest > SignedDuration::from_mins(30) {
                break;
            }
        }
        led.expect("somebody leads")
    }
}

fn unleased(sweep: &Sweep) -> usize {
    let units = sweep.models.iter().flat_map(|model| &model.units);
    let notes = units.flat_map(|unit| &unit.report.notes);
    notes
        .filter(|note| note.reason == trueup::plan::cause::Cause::NoLease)
        .count()
}

fn play(seed: u64) -> Theatre {
    play_in(Theatre::new(seed))
}

fn play_in(mut theatre: Theatre) -> Theatre {
    let deeds = [
        Deed::Promote(0),
        Deed::Train(0, 0.93),
        Deed::Resize(0),
        Deed::RevertLast,
    ];
    for deed in [None].into_iter().chain(deeds.map(Some)) {
        if let Some(deed) = deed {
            theatre.stage.perform(deed);
        }
        for _ in 0..STEPS / 5 {
            theatre.step(true);
        }
    }
    let now = theatre.stage.now;
    let frozen = theatre.daemons.iter().map(|one| one.frozen).max();
    let thaw = frozen
        .expect("two")
        .duration_since(now)
        .max(SignedDuration::ZERO);
    let terms = Terms::default();
    let within = thaw + (terms.term + terms.margin + terms.settle) * 2 + terms.renew * 4;
    let led = theatre.calms();
    assert!(led <= within, "nobody led for {led:?}");
    let violations = &theatre.stage.ledger.violations;
    assert!(violations.is_empty(), "{violations:?}");
    nothing_doubled(&theatre.stage).unwrap_or_else(|bad| panic!("{bad}"));
    git_decides(&theatre.stage).unwrap_or_else(|bad| panic!("{bad}"));
    theatre
}

#[test]
fn of_two_daemons_one_changes_things_at_a_time_whatever_happens_to_them() {
    let (mut figures, mut changes) = (Figures::default(), 0);
    for seed in 0..super::setting("LEASE_SEEDS").unwrap_or(SEEDS) {
        println!("seed {seed}");
        let theatre = play(seed);
        changes += theatre.acted.len();
        let one = theatre.figures;
        figures.frozen_leaders += one.frozen_leaders;
        figures.dead_leaders += one.dead_leaders;
        figures.deleted += one.deleted;
        figures.lost += one.lost;
        figures.unleased += one.unleased;
    }
    println!("{figures:?}, {changes} leaders who changed something");
    let happened = figures.frozen_leaders > 0
        && figures.dead_leaders > 0
        && figures.deleted > 0
        && figures.lost > 0
        && figures.unleased > 0;
    assert!(happened && changes > 12, "{figures:?}");
}

#[test]
#[should_panic(expected = "a change by one who does not lead")]
fn without_the_lease_two_would_change_things() {
    let mut theatre = Theatre::new(1);
    theatre.lawless = true;
    play_in(theatre);
}

#[test]
fn who_was_frozen_in_the_middle_of_a_pass_changes_nothing_when_it_wakes_up() {
    let mut theatre = Theatre::new(1);
    theatre.daemons.truncate(1);
    let planned = |theatre: &Theatre| theatre.stage.ledger.changes > 3;
    while !planned(&theatre) {
        theatre.step(false);
    }
    assert!(theatre.daemons[0].passing.is_some(), "in the middle of it");
    let changes = theatre.stage.ledger.changes;
    theatre.stage.now += Terms::default().term * 2;
    // The lease is renewed by another task, which has not had its turn yet.
    for _ in 0..50 {
        theatre.pass(0);
    }
    assert_eq!(theatre.stage.ledger.changes, changes);
    assert!(theatre.figures.unleased > 0, "it says so");
    while theatre.stage.ledger.changes == changes {
        theatre.step(false);
    }
}
