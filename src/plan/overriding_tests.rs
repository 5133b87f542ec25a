use serde_json::json;

use super::*;
use crate::limits::OVERRIDE_PERIOD;
use crate::plan::observed::{Look, Object};
use crate::resource::desired::Resource;
use crate::resource::kind::Kind;
use crate::resource::owner::{OWNER, SELF, Tags};
use crate::resource::unit::Unit;

fn id(digit: char) -> ObjectId {
    ObjectId(digit.to_string().repeat(40))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Given at noon, for a day: `b` is overridden with `a`.
fn order() -> Override {
    Override {
        place: place("acme/churn/production", "churn-production"),
        over: id('b'),
        on: "c".repeat(COMMIT_DIGITS),
        to: id('a'),
        at: at("2026-11-22T12:00:00Z"),
        until: at("2026-11-23T12:00:00Z"),
        quarantine: true,
        by: "ada".to_owned(),
        reason: "answers are wrong".to_owned(),
    }
}

#[test]
fn a_value_is_read_as_it_was_written() {
    let given = order();
    let words = "v1 #place bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccc \
                 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 2026-11-22T12:00:00Z 2026-11-23T12:00:00Z \
                 quarantine ada answers are wrong";
    assert_eq!(given.text(), words.replace("#place", &given.place));
    let long = ObjectId("0".repeat(64));
    let others = [
        Override {
            quarantine: false,
            ..order()
        },
        Override {
            reason: String::new(),
            ..order()
        },
        Override {
            over: long,
            to: ObjectId("1".repeat(64)),
            ..order()
        },
    ];
    for one in [vec![given], others.to_vec()].concat() {
        assert_eq!(Override::parse(&one.text()), Some(one));
    }
}

#[test]
fn what_a_tag_cannot_hold_is_made_fit() {
    let wordy = Override {
        on: "2".repeat(40),
        at: at("2026-11-22T12:00:00.75Z"),
        by: "Ada  Lovelace <ada@acme.test>, on duty tonight and tomorrow".to_owned(),
        reason: "it's\tslow — \"5xx\"; see\nhttps://acme.test/?q=1&r=2 ".repeat(20),
        ..order()
    };
    let longest = Override {
        over: ObjectId("0".repeat(64)),
        to: ObjectId("1".repeat(64)),
        ..wordy.clone()
    };
    let fitted = wordy.fitted();
    assert_eq!(fitted.by.len(), TAG_NAME_MAX);
    assert_eq!(fitted.by, "Ada-Lovelace--ada@acme.test---on-duty-to");
    let beginning = "it s slow 5xx see https://acme.test/";
    assert!(fitted.reason.starts_with(beginning), "{fitted:?}");
    for one in [fitted, longest.fitted()] {
        let text = one.text();
        let length = text.chars().count();
        assert!(
            (TAG_VALUE_MAX - 1..=TAG_VALUE_MAX).contains(&length),
            "{text}"
        );
        assert_eq!(Override::parse(&text), Some(one));
    }
    let nobody = Override {
        by: " ".to_owned(),
        ..order()
    };
    assert_eq!(nobody.fitted().by, NOBODY);
}

#[test]
fn what_is_not_written_so_is_no_order() {
    let good = order().text();
    let shorter = good.replacen(&order().place, &order().place[1..], 1);
    assert_eq!(Override::parse(&shorter), None);
    let check = |text: &str| assert_eq!(Override::parse(text), None, "{text}");
    check("");
    check("v1");
    for (part, instead) in [
        ("v1 ", "v2 "),
        ("v1 ", "v1  "),
        ("bbbb", "BBBB"),
        ("bbbb", "bbb"),
        ("bbbb", "bbbg"),
        ("cccc ", "ccc "),
        ("aaaa ", "aaa "),
        ("12:00:00Z", "noon"),
        ("12:00:00Z", "12:00:00.5Z"),
        ("12:00:00Z", "13:00:00+01:00"),
        ("quarantine", "destroy"),
        ("quarantine ada answers are wrong", "quarantine"),
        (" ada", "  ada"),
        (" ada", " a,da"),
        ("are wrong", "are  wrong"),
        ("are wrong", "are wrong "),
        ("are wrong", "are wrong!"),
    ] {
        assert!(good.contains(part));
        check(&good.replacen(part, instead, 1));
    }
    let parts: Vec<_> = good.split(' ').collect();
    for keep in 0..9 {
        check(&parts[..keep].join(" "));
    }
    check(&good.replace(&"a".repeat(40), &"b".repeat(40)));
    check(&good.replace("2026-11-23", "2026-11-22"));
    check(&format!("{good} {}", "x".repeat(TAG_VALUE_MAX)));
}

#[test]
fn none_holds_for_longer_than_the_limit() {
    let lasting = |period| {
        let until = order().at + period;
        Override::parse(&Override { until, ..order() }.text()).is_some()
    };
    assert!(lasting(OVERRIDE_PERIOD));
    assert!(lasting(OVERRIDE_PERIOD_MAX));
    assert!(!lasting(
        OVERRIDE_PERIOD_MAX + std::time::Duration::from_secs(1)
    ));
}

fn endpoint() -> Resource {
    Resource {
        key: Key::new(&ENDPOINT, ""),
        kind: &ENDPOINT as &'static Kind,
        stem: "churn-production".to_owned(),
        body: json!({}).into(),
        tags: Tags::new(),
        content: None,
        verify: Vec::new(),
        after: Vec::new(),
        origin: None,
    }
}

/// Whether the order has an effect: the endpoint's tags, the commit's release file, the time.
fn effect(edit: impl FnOnce(&mut Tags), release: char, now: &str) -> bool {
    let unit = Unit::environment("churn", "production");
    let mut desired = Desired::nothing(unit);
    desired.release = Some(id(release));
    desired.resources.push(endpoint());
    let mut tags = Tags::from([
        (OWNER.to_owned(), desired.owner.clone()),
        (SELF.to_owned(), "churn-production".to_owned()),
        (OVERRIDE.to_owned(), order().text()),
    ]);
    edit(&mut tags);
    let body = json!({"EndpointName": "churn-production"});
    let mut observed = Observed::default();
    let look = Look::Present(Object { body, tags });
    observed.record(&ENDPOINT, "churn-production", look);
    Override::of(&desired, &observed, at(now)).is_some()
}

#[test]
fn only_what_is_ours_bound_and_in_time_has_an_effect() {
    let noon = "2026-11-22T12:00:00Z";
    assert!(effect(|_| (), 'b', noon));
    assert!(!effect(|_| (), 'a', noon), "another release");
    assert!(effect(|_| (), 'b', "2026-11-23T11:59:00Z"));
    assert!(!effect(|_| (), 'b', "2026-11-23T12:00:00Z"), "it ran out");
    assert!(
        effect(|_| (), 'b', "2026-11-22T11:50:00Z"),
        "a clock that is late"
    );
    assert!(
        !effect(|_| (), 'b', "2026-11-22T11:49:00Z"),
        "a clock that is wrong"
    );
    let copied = |tags: &mut Tags| drop(tags.insert(SELF.to_owned(), "churn-staging".to_owned()));
    assert!(!effect(copied, 'b', noon), "copied from another endpoint");
    let foreign = |tags: &mut Tags| drop(tags.remove(OWNER));
    assert!(!effect(foreign, 'b', noon), "not ours");
    let none = |tags: &mut Tags| drop(tags.remove(OVERRIDE));
    assert!(!effect(none, 'b', noon));
    let mut other = order();
    other.place = place("acme/churn/staging", "churn-staging");
    let other = |tags: &mut Tags| drop(tags.insert(OVERRIDE.to_owned(), other.text()));
    assert!(!effect(other, 'b', noon), "for another endpoint");
    let broken = |tags: &mut Tags| drop(tags.insert(OVERRIDE.to_owned(), "v1 please".to_owned()));
    assert!(!effect(broken, 'b', noon));
}

/// Commits as the digits of their ids, each with its file; the newest first.
fn standing(history: &str) -> Standing {
    let versions = history.split(' ').map(|one| {
        let mut digits = one.chars();
        let (commit, file) = (digits.next().unwrap(), digits.next().unwrap());
        match file {
            '!' => Err("the pack is broken"),
            '-' => Ok(Version {
                commit: id(commit),
                file: None,
            }),
            file => Ok(Version {
                commit: id(commit),
                file: Some(id(file)),
            }),
        }
    });
    order().standing(versions)
}

#[test]
fn what_git_said_since_takes_an_order_back() {
    use Standing::{Stands, Void};
    assert_eq!(standing("cb 1a"), Stands);
    assert_eq!(
        standing("eb db cb 2b 1- 0a"),
        Stands,
        "other commits came since"
    );
    assert_eq!(
        standing("cb 3d 2b 1a"),
        Stands,
        "any earlier one may be meant"
    );
    assert_eq!(standing("ea db cb 1a"), Void, "filed");
    assert_eq!(
        standing("fb ea db cb 1a"),
        Void,
        "filed, and that was reverted"
    );
    assert_eq!(standing("ed cb 1a"), Void, "another release");
    assert_eq!(standing("e- cb 1a"), Void, "no release");
    assert_eq!(standing("eb 1a"), Void, "another history");
    assert!(
        matches!(standing("cb 2b 1d"), Standing::Held(_)),
        "never there"
    );
    assert!(matches!(standing("cb 2! 1a"), Standing::Held(_)));
    assert!(matches!(standing("e! cb 1a"), Standing::Held(_)));
    assert_eq!(standing("cb 1a 0!"), Stands, "read no further than needed");
}
