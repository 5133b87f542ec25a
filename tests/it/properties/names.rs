//! Names of what is created.

use proptest::prelude::*;
use serde_json::Value;
use trueup::resource::kinds::KINDS;
use trueup::resource::name::{HASH_DIGITS, NAME_MAX, NAME_TRIES, digest_name, is_valid};

use super::json;

/// What a name is made of: a model's name, an environment's, and what else it is of.
fn stem() -> impl Strategy<Value = String> {
    let word = "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,4}";
    let suffix = prop_oneof![Just(""), Just("-data-quality"), Just("-challenger")];
    (word, word, suffix)
        .prop_map(|(model, environment, suffix)| format!("{model}-{environment}{suffix}"))
        .prop_filter("the linter refuses longer ones", |stem| {
            stem.len() <= NAME_MAX
        })
}

fn kind() -> impl Strategy<Value = &'static str> {
    (0..KINDS.len()).prop_map(|at| KINDS[at].name)
}

/// Two that agree in all that a name shows of them.
fn alike() -> impl Strategy<Value = (String, String)> {
    let long = "[a-z]{30}-[a-z]{21}";
    (long, "[a-z]{1,10}", "[a-z]{1,10}")
        .prop_filter("they differ", |(_, one, other)| one != other)
        .prop_map(|(long, one, other)| (format!("{long}-{one}"), format!("{long}-{other}")))
}

proptest! {
    #[test]
    fn a_name_fits_and_says_what_it_is_of(
        kind in kind(), stem in stem(), body in json(), attempt in 0..NAME_TRIES,
    ) {
        let name = digest_name(kind, &stem, &body, attempt);
        prop_assert!(is_valid(&name), "{}", name);
        let (shown, digest) = name.rsplit_once('-').unwrap();
        prop_assert!(stem.starts_with(shown), "{} of {}", name, stem);
        prop_assert!(digest.len() == HASH_DIGITS && digest.bytes().all(|b| b.is_ascii_hexdigit()));
        let read: Value = serde_json::from_str(&body.to_string()).unwrap();
        prop_assert_eq!(&digest_name(kind, &stem, &read, attempt), &name, "the same again");
        prop_assert_ne!(&digest_name(kind, &stem, &body, attempt + 1), &name);
    }

    #[test]
    fn another_model_or_environment_has_another_name(
        kind in kind(), one in stem(), other in stem(), body in json(),
    ) {
        prop_assume!(one != other);
        prop_assert_ne!(digest_name(kind, &one, &body, 0), digest_name(kind, &other, &body, 0));
    }

    #[test]
    fn so_it_has_where_a_name_is_too_short_to_show_it(
        kind in kind(), (one, other) in alike(), body in json(),
    ) {
        let names = [&one, &other].map(|stem| digest_name(kind, stem, &body, 0));
        prop_assert_ne!(&names[0], &names[1]);
        prop_assert!(names.iter().all(|name| is_valid(name)), "{:?}", names);
    }

    #[test]
    fn another_content_or_kind_has_another_name(stem in stem(), one in json(), other in json()) {
        let same = trueup::resource::canonical::text(&one) == trueup::resource::canonical::text(&other);
        let names = [&one, &other].map(|body| digest_name("Model", &stem, body, 0));
        prop_assert_eq!(names[0] == names[1], same);
        prop_assert_ne!(digest_name("EndpointConfig", &stem, &one, 0), &names[0][..]);
    }
}
