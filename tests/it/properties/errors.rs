//! What a failed call means, whatever the service says.

use proptest::prelude::*;
use trueup::resource::call::{OpError, Sent};
use trueup::resource::error::{Class, classify};
use trueup::resource::kinds::KINDS;

/// Codes that mean one thing under any operation but one, whatever the words.
const PLAIN: [(&str, Class); 7] = [
    ("ThrottlingException", Class::Throttled),
    ("InternalFailure", Class::Transient),
    ("AccessDenied", Class::Denied),
    ("AuthorizationError", Class::Denied),
    ("UnrecognizedClientException", Class::Denied),
    ("SlowDown", Class::Throttled),
    ("ServiceUnavailable", Class::Transient),
];

fn operation() -> impl Strategy<Value = String> {
    let known: Vec<_> = KINDS
        .iter()
        .flat_map(|kind| [kind.ops.create, kind.ops.update, Some(kind.ops.describe)])
        .flatten()
        .map(str::to_owned)
        .collect();
    prop_oneof![proptest::sample::select(known), any::<String>()]
}

/// Words, often such as the table looks for, in odd places.
fn message() -> impl Strategy<Value = String> {
    let known = [
        "Could not find",
        "Cannot find",
        "does not exist.",
        "already exist",
        "Cannot update in-progress endpoint",
        "Could not find endpoint configuration",
        "Could not assume role",
        "Requested resource not found",
        "\u{0}\u{202e}é",
    ];
    let known = known.map(str::to_owned).to_vec();
    let part = prop_oneof![proptest::sample::select(known), any::<String>()];
    proptest::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn every_refusal_has_a_class_and_words(
        op in operation(), code in any::<String>(), words in message(),
    ) {
        let error = OpError::refused(&op, code.clone(), words.clone());
        prop_assert_eq!(error.class, classify(&op, &code, &words));
        prop_assert!(error.to_string().contains(&words));
        // What may have been carried out is never called refused.
        prop_assert_eq!(error.sent == Sent::Maybe, error.class == Class::Transient);
    }

    #[test]
    fn a_code_that_is_plain_means_the_same_under_any_words(
        op in operation(), at in 0..PLAIN.len(), words in message(),
    ) {
        // Words that say "slow down" say so under any code.
        prop_assume!(!words.starts_with("Rate exceeded"));
        let (code, class) = PLAIN[at];
        prop_assert_eq!(classify(&op, code, &words), class);
    }

    #[test]
    fn what_nobody_knows_is_unknown(op in operation(), code in "[A-Z][a-z]{3,9}Oddity", words in "[0-9 ]{0,30}") {
        prop_assert_eq!(classify(&op, &code, &words), Class::Unknown);
        prop_assert!(!Class::Unknown.is_final());
    }
}
