//! When an observed value is what was declared.

use proptest::prelude::*;
use serde_json::{Value, json};
use trueup::resource::compare::{changes, covers};
use trueup::resource::kind::{FieldClass, Kind};
use trueup::resource::kinds::KINDS;

use super::body::{body, is_ignored, places, served};
use super::json;
use crate::sim::random::Random;

fn kind() -> impl Strategy<Value = &'static Kind> {
    (0..KINDS.len()).prop_map(|at| KINDS[at])
}

/// A place of a body, if it has any.
fn place(
    declared: &Value,
    random: &mut Random,
    wanted: impl Fn(&Value, &str) -> bool,
) -> Option<String> {
    let mut places = places(declared);
    places.retain(|place| wanted(declared.pointer(place).unwrap(), place));
    (!places.is_empty()).then(|| random.pick(&places).clone())
}

/// Another leaf of the same sort.
fn other(leaf: &Value) -> Value {
    match leaf {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => json!(number.as_f64().unwrap() + 1.0),
        // A text that holds JSON stays one.
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner) => json!(json!([inner]).to_string()),
            Err(_) => json!(format!("{text}x")),
        },
        container => panic!("no leaf: {container}"),
    }
}

/// Exactly one change, at this place or above it; or none where nobody compares.
fn one_change(
    kind: &'static Kind,
    declared: &Value,
    observed: &Value,
    place: &str,
) -> Result<(), TestCaseError> {
    let found = changes(kind, declared, observed);
    if is_ignored(kind, place) {
        prop_assert_eq!(found, vec![]);
        return Ok(());
    }
    prop_assert_eq!(found.len(), 1, "{} {}: {:?}", kind.name, place, found);
    let change = &found[0];
    prop_assert!(
        place.starts_with(&change.path),
        "{} for {}",
        change.path,
        place
    );
    prop_assert_eq!(declared.pointer(&change.path), Some(&change.to));
    prop_assert_eq!(observed.pointer(&change.path), change.from.as_ref());
    let class = kind
        .field(&change.path)
        .map_or(FieldClass::CreateOnly, |field| field.class);
    prop_assert_eq!(change.class, class);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_the_service_makes_of_a_body_is_no_change(kind in kind(), seed in any::<u64>()) {
        let random = &mut Random::new(seed, 0);
        let declared = body(kind, random);
        let observed = served(kind, "", &declared, random);
        prop_assert_eq!(changes(kind, &declared, &observed), vec![], "{}\n{}", declared, observed);
    }

    #[test]
    fn one_member_changed_is_one_change(kind in kind(), seed in any::<u64>()) {
        let random = &mut Random::new(seed, 0);
        let declared = body(kind, random);
        let leaf = |value: &Value, _: &str| !value.is_object() && !value.is_array();
        if let Some(place) = place(&declared, random, leaf) {
            let mut observed = declared.clone();
            let changed = observed.pointer_mut(&place).unwrap();
            *changed = other(changed);
            one_change(kind, &declared, &observed, &place)?;
        }
    }

    #[test]
    fn one_member_that_is_gone_is_one_change(kind in kind(), seed in any::<u64>()) {
        let random = &mut Random::new(seed, 0);
        let declared = body(kind, random);
        let member = |_: &Value, place: &str| {
            let parent = place.rsplit_once('/').unwrap().0;
            declared.pointer(parent).unwrap().is_object()
        };
        if let Some(place) = place(&declared, random, member) {
            let mut observed = declared.clone();
            let (parent, name) = place.rsplit_once('/').unwrap();
            let parent = observed.pointer_mut(parent).unwrap();
            prop_assert!(parent.as_object_mut().unwrap().remove(name).is_some());
            one_change(kind, &declared, &observed, &place)?;
        }
    }
}

proptest! {
    #[test]
    fn any_two_values_can_be_compared(kind in kind(), declared in json(), observed in json()) {
        prop_assert_eq!(changes(kind, &declared, &declared), vec![]);
        let found = changes(kind, &declared, &observed);
        for change in &found {
            prop_assert_ne!(change.from.as_ref(), Some(&change.to));
            prop_assert!(!is_ignored(kind, &change.path));
        }
        let wholly = found.iter().any(|change| change.path.is_empty());
        let odd = wholly && covers(&observed, &declared);
        prop_assert!(!odd, "covered, and all of it differs");
    }

    #[test]
    fn a_value_covers_itself_and_less_of_itself(mut value in json(), more in json()) {
        prop_assert!(covers(&value, &value));
        let declared = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.entry("another").or_insert(more);
            prop_assert!(covers(&value, &declared));
        }
    }
}
