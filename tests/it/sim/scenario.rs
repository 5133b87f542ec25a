//! What people do in a seed: where it starts, and one or two things after that.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;
use trueup::resource::broken::Broken;

use super::checks::{at_rest, meaning, plant_strangers, same_meaning, strangers};
use super::fault::Fired;
use super::ledger::Violation;
use super::random::Random;
use super::reasons::Seen;
use super::repository::FleetKind;
use super::stage::Stage;
use super::storm::{BLOWS, Storm, WATCH};
use super::weather::Calm;
use super::workload::{Deed, Hand};

use Deed::{Promote, RevertLast, RevertTraining, Train, Watch};

/// Seeds that share what people do, and differ in the faults.
pub(crate) const STORMS: u64 = 10;
/// One seed in so many plays all that people do, the others a part of it.
const ALL: u64 = 20;
/// Quiet passes after the one that found everything at rest.
const QUIET: usize = 1;
/// Calls beside those of a run without faults that one fault may cost: a pass or two.
const CALLS_A_FAULT: u64 = 120;
/// Calls of a pass over one unit that is as it should be, looking for what is left over too.
const CALLS_A_UNIT: usize = 20;

/// A place to start from, and what people may do there.
struct Base {
    stage: Stage,
    untouched: Vec<Value>,
    menu: &'static [&'static [Deed]],
    /// What is on the menu, as it was played when a seed first asked for it.
    played: Vec<OnceLock<Result<Scenario, Violation>>>,
}

const FIRST: &[&[Deed]] = &[
    &[Watch],
    &[Watch],
    &[Deed::Outage, Deed::Outage, Deed::Resize(0)],
];

const FIRST_LITTLE: &[&[Deed]] = &[
    &[Watch],
    &[Watch],
    &[Deed::Outage, Deed::Outage, Deed::Resize(1)],
];

/// With everything that a model can have.
const FULL: &[&[Deed]] = &[
    &[Train(0, 0.9), Promote(0)],
    &[Train(0, 0.9), RevertTraining(0)],
    &[Train(0, 0.8), RevertLast],
    &[Deed::Resize(0)],
    &[Deed::Rescale(0), RevertLast],
    &[Deed::Serve(0, 2)],
    &[Deed::Pin(7), Promote(0)],
    &[Deed::Gate, Deed::Miss(0, 0.9), Deed::Gate, Watch],
    &[Train(0, 0.9), Deed::Quarantine(0), RevertTraining(0)],
    &[Deed::Gate, Deed::Serve(0, 4), Deed::Gate, Watch],
    &[Promote(0), RevertLast],
    &[Deed::Tag(0, 1), Deed::Hand(Hand::Untag)],
    &[Deed::Describe(0), Deed::Describe(0), Watch],
    &[Deed::Break(0), Deed::Break(0), Watch],
    &[Deed::Rename(0)],
    &[Deed::ForcePush(1)],
    &[Deed::TrainBroken(0), RevertTraining(0)],
    &[Deed::Hand(Hand::Config)],
    &[
        Deed::Outage,
        Deed::ResizeInVain(0),
        Deed::Outage,
        Deed::Retry,
    ],
    &[Deed::Hand(Hand::DeleteMonitor)],
    &[Deed::TakeDown(0), Deed::TakeDown(0)],
];

/// With little, and a soak.
const LITTLE: &[&[Deed]] = &[
    &[Train(1, 0.9)],
    &[Train(1, 0.9), RevertTraining(1)],
    &[Train(1, 0.9), RevertLast],
    &[Deed::Resize(1)],
    &[Deed::Resize(1), RevertLast],
    &[Deed::Rescale(1)],
    &[Deed::Serve(1, 3)],
    &[Deed::Tag(1, 1)],
    &[Deed::Rename(1)],
    &[Deed::ForcePush(1)],
    &[Deed::Add],
    &[Deed::Break(1), Deed::Break(1), Watch],
    &[Deed::QuarantineNext(1), Train(1, 0.9)],
    &[Deed::TakeDown(1)],
    &[Deed::TakeDown(1), Deed::TakeDown(1)],
];

/// What is tried again for ever, where nobody counts. It takes long.
const IN_VAIN: &[Deed] = &[
    Deed::Outage,
    Deed::ResizeInVain(1),
    Deed::Outage,
    Deed::Retry,
];

const TWO: &[&[Deed]] = &[
    &[Train(1, 0.9)],
    &[Deed::Remove(1), Deed::Resize(0)],
    &[Deed::Remove(0), Train(1, 0.9)],
    &[Deed::Resize(0), Deed::Tag(1, 2)],
    &[Deed::TakeDown(1), Deed::Resize(0)],
    &[Deed::Break(0), Train(1, 0.8), Deed::Break(0), Watch],
];

static BASES: LazyLock<Vec<Base>> = LazyLock::new(|| {
    let base = |fleet, deeds: &[Deed], menu| {
        let mut stage = Stage::with(fleet);
        plant_strangers(&mut stage);
        stage.play(deeds, &mut Calm);
        stage.seen = Seen::default();
        // Here every pass looks for what is left over, as one a day does.
        stage.survey = fleet == FleetKind::Plain;
        stage.ledger.asked = 0;
        let untouched = strangers(&stage);
        Base {
            stage,
            untouched,
            menu,
            played: menu.iter().map(|_| OnceLock::new()).collect(),
        }
    };
    let promoted = [Watch, Promote(0)];
    let mut bases = vec![
        base(FleetKind::Plain, &[], FIRST_LITTLE),
        base(FleetKind::Plain, &[Watch], LITTLE),
        base(FleetKind::One, &[], FIRST),
        base(FleetKind::One, &promoted, FULL),
        base(FleetKind::One, &[Watch, Promote(0), Train(0, 0.85)], FULL),
        base(FleetKind::Two, &promoted, TWO),
    ];
    // Most seeds are small: what goes wrong mostly goes wrong in the small.
    for first in [
        Deed::Serve(1, 9),
        Deed::Tag(1, 7),
        Deed::Rescale(1),
        Train(1, 0.6),
    ] {
        bases.push(base(FleetKind::Tiny, &[], FIRST_LITTLE));
        bases.push(base(FleetKind::Tiny, &[Watch], LITTLE));
        bases.push(base(FleetKind::Tiny, &[Watch, first], LITTLE));
        bases.push(base(FleetKind::Tiny, &[first], LITTLE));
    }
    bases
});

/// What people do, without faults, and what comes of it.
pub(crate) struct Scenario {
    base: &'static Base,
    parts: Vec<Part>,
    seen: Seen,
}

/// Deeds up to the first after which all is at rest.
struct Part {
    /// The state before them.
    before: Stage,
    deeds: &'static [Deed],
    /// What they come to.
    expected: BTreeMap<String, Value>,
    calls: u64,
}

/// What a seed came to.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) fired: Fired,
    pub(crate) seen: Seen,
    /// Calls, and those of the run without faults.
    pub(crate) calls: (u64, u64),
    /// A digest of everything that was called and of the end.
    pub(crate) trace: u64,
}

impl Scenario {
    /// The scenario of a seed. Many seeds have the same: it is played once.
    pub(crate) fn new(seed: u64) -> Result<&'static Self, Violation> {
        let mut random = Random::new(seed / STORMS, 1);
        let base = random.pick(&BASES);
        let at = random.place(base.menu.len());
        let played = base.played[at].get_or_init(|| Self::of(base, base.menu[at]));
        played.as_ref().map_err(Clone::clone)
    }

    /// Everything that is on any menu, once, and what would take too long in every seed.
    pub(crate) fn every() -> Result<Vec<Self>, Violation> {
        let mut menus = Vec::new();
        let mut all = Vec::new();
        for base in BASES.iter() {
            if !menus.contains(&base.menu) {
                menus.push(base.menu);
                all.extend(base.menu.iter().map(|deeds| (base, *deeds)));
            }
        }
        let little = BASES.iter().find(|base| base.menu == LITTLE);
        all.extend(little.map(|base| (base, IN_VAIN)));
        let all = all.into_iter().map(|(base, deeds)| Self::of(base, deeds));
        all.collect()
    }

    fn of(base: &'static Base, deeds: &'static [Deed]) -> Result<Self, Violation> {
        let mut stage = base.stage.clone();
        let mut parts = Vec::new();
        for deeds in deeds.split_inclusive(|deed| !deed.is_stuck()) {
            let before = stage.clone();
            for deed in deeds {
                stage.perform(*deed);
                settled(stage.follow(*deed, &mut Calm))?;
            }
            let calls = stage.ledger.asked - before.ledger.asked;
            at_rest(&stage, &base.untouched)?;
            parts.push(Part {
                before,
                deeds,
                expected: meaning(&stage),
                calls,
            });
        }
        settled(stage.try_quiet(QUIET))?;
        Ok(Self {
            base,
            parts,
            seen: stage.seen,
        })
    }

    /// The parts that a seed plays: one, or all from one on.
    fn parts(&self, seed: u64) -> &[Part] {
        let mut random = Random::new(seed, 3);
        let first = usize::try_from(random.below(self.parts.len() as u64)).expect("a place");
        let last = if random.one_in(ALL) {
            self.parts.len()
        } else {
            first + 1
        };
        &self.parts[first..last]
    }

    /// What people do in a seed.
    pub(crate) fn deeds(&self, seed: u64) -> Vec<Deed> {
        self.parts(seed)
            .iter()
            .flat_map(|part| part.deeds)
            .copied()
            .collect()
    }

    /// Plays it in a storm: first with faults, then in silence until all is at rest, then some
    /// passes in which nothing happens.
    pub(crate) fn play(&self, seed: u64, storm: Storm) -> Result<Ended, Violation> {
        self.play_broken(seed, storm, Broken::Nothing)
    }

    /// The same, with something broken in the product from here on.
    pub(crate) fn play_broken(
        &self,
        seed: u64,
        mut storm: Storm,
        broken: Broken,
    ) -> Result<Ended, Violation> {
        let parts = self.parts(seed);
        let (first, last) = (&parts[0], &parts[parts.len() - 1]);
        let mut stage = first.before.clone();
        let before = stage.ledger.asked;
        stage.seen = self.seen.clone();
        stage.broken = broken;
        for deed in parts.iter().flat_map(|part| part.deeds) {
            stage.perform(*deed);
            storm.next_deed();
            settled(stage.follow(*deed, &mut storm))?;
        }
        storm.calm(&mut stage);
        settled(stage.try_settle(&mut Calm).map(drop))?;
        let calls = stage.ledger.asked - before;
        let quiet = if seed.is_multiple_of(4) { QUIET } else { 0 };
        if let Err(what) = stage.try_quiet(quiet) {
            return Err(Violation {
                oracle: "quiet at rest",
                what,
            });
        }
        at_rest(&stage, &self.base.untouched)?;
        same_meaning(&meaning(&stage), &last.expected)?;
        // What people repair is watched until they do.
        let deeds = parts.iter().map(|part| part.deeds.len()).sum::<usize>();
        let watched = (BLOWS + 2 * WATCH) * deeds * stage.units() * CALLS_A_UNIT;
        let plain = parts.iter().map(|part| part.calls).sum::<u64>();
        let most = plain * 3 / 2 + storm.fired.total() * CALLS_A_FAULT + watched as u64;
        // What was noted by a wrong clock is waited for as long as the clock was wrong.
        if calls > most && !stage.ledger.skewed {
            return Err(Violation {
                oracle: "calls are bounded",
                what: format!("{calls} calls, at most {most}"),
            });
        }
        Ok(Ended {
            fired: storm.fired,
            calls: (calls, plain),
            trace: trace(&stage),
            seen: stage.seen,
        })
    }
}

fn settled(what: Result<(), String>) -> Result<(), Violation> {
    what.map_err(|what| {
        let oracle = what
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next());
        let known = super::checks::ORACLES
            .iter()
            .find(|one| Some(**one) == oracle);
        Violation {
            oracle: known.copied().unwrap_or("comes to rest"),
            what,
        }
    })
}

/// FNV-1a over every call that was made and how it ended.
fn trace(stage: &Stage) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |text: &str| {
        for byte in text.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for entry in stage.world.calls().iter() {
        add(&entry.op);
        add(&entry.name);
        add(entry.error.as_deref().unwrap_or("ok"));
    }
    add(&stage.tip().0);
    hash
}

/// One seed, alone.
pub(crate) fn replay(seed: u64) -> Result<Ended, Violation> {
    Scenario::new(seed)?.play(seed, Storm::new(seed))
}
