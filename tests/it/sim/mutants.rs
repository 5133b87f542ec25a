//! The planner broken on purpose, in many ways: the simulation notices each, by the rule it names.

use trueup::resource::broken::Broken;

use super::scenario::Scenario;
use super::seeds::guarded;
use super::storm::Storm;

/// Seeds that may be needed to notice.
const SEEDS: u64 = 500;

/// How it is broken, and the rules that notice.
const MUTANTS: &[(Broken, &[&str])] = &[
    (Broken::ForgetUpdates, &["gives up"]),
    (Broken::NoGuards, &["ours only", "one change at a time"]),
    (Broken::SkipOwner, &["ours only"]),
    (Broken::GapIsAbsent, &["creates what is not there"]),
    (Broken::IgnoreGates, &["gates hold", "same end"]),
    (Broken::IgnoreQuarantine, &["quarantine holds"]),
    (Broken::PeopleLose, &["same end", "comes to rest"]),
    (Broken::BlindToDrift, &["same end", "git decides"]),
    (Broken::BlindToTags, &["same end"]),
    (Broken::RunAnyway, &["ours only"]),
    (Broken::RetryForever, &["gives up"]),
    (Broken::CountNoRuns, &["comes to rest", "same end"]),
    (
        Broken::ForgetSelf,
        &["comes to rest", "nothing doubled", "ours only"],
    ),
    (Broken::ApproveAlways, &["comes to rest"]),
    (Broken::ReplaceEndpoints, &["deletes nothing"]),
    (Broken::MovingIsReady, &["one change at a time"]),
    (Broken::RetainNothing, &["keeps what autoscaling set"]),
    (Broken::IgnoreOrder, &["in order"]),
    (Broken::IgnoreSoak, &["promotes what has soaked"]),
    (
        Broken::CollectInUse,
        &["keeps what is used", "comes to rest"],
    ),
    (Broken::NeverConverged, &["same end", "comes to rest"]),
];

/// The first seed that notices, and by which rule: a storm over each scenario, then another.
fn noticed(scenarios: &[Scenario], broken: Broken) -> Option<(u64, &'static str)> {
    let seeds = (0..SEEDS).zip(scenarios.iter().cycle());
    let mut played = seeds.map(|(seed, scenario)| {
        let played = guarded(|| scenario.play_broken(seed, Storm::new(seed), broken));
        played.err().map(|bad| (seed, bad.oracle))
    });
    played.find_map(|noticed| noticed)
}

#[test]
fn every_break_is_noticed_by_the_rule_that_it_breaks() {
    let scenarios = Scenario::every().expect("without faults");
    let check = |mutants: &[(Broken, &[&str])]| -> Vec<String> {
        let wrong = |(broken, rules): &(Broken, &[&str])| {
            let found = noticed(&scenarios, *broken);
            println!("{broken:?}: {found:?}");
            let right = found.is_some_and(|(_, rule)| rules.contains(&rule));
            (!right).then(|| format!("{broken:?}: {found:?}"))
        };
        mutants.iter().filter_map(wrong).collect()
    };
    let (one, other) = MUTANTS.split_at(MUTANTS.len() / 2);
    let wrong = std::thread::scope(|scope| {
        let first = scope.spawn(|| check(one));
        let mut wrong = check(other);
        wrong.extend(first.join().expect("it ends"));
        wrong
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}
