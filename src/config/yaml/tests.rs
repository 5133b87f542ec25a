use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Kind, Node, Read, read};
use crate::limits;

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(value) => value.clone(),
        Kind::Sequence(items) => items.iter().map(value).collect(),
        Kind::Mapping(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), value(&entry.value)))
            .collect(),
        Kind::Broken => json!("<broken>"),
    }
}

/// Reads `text` and compares its value, and its findings as `code line:column`.
#[track_caller]
fn check(text: &str, expected: Option<Value>, findings: &[&str]) {
    check_bytes(text.as_bytes(), expected, findings);
}

#[track_caller]
fn check_bytes(bytes: &[u8], expected: Option<Value>, findings: &[&str]) {
    let Read { root, diagnostics } = read("config.yaml", bytes);
    let seen: Vec<_> = diagnostics
        .iter()
        .map(|one| format!("{} {}:{}", one.code, one.span.line, one.span.column))
        .collect();
    assert_eq!(seen, findings, "{diagnostics:#?}");
    assert_eq!(root.as_ref().map(value), expected);
}

#[test]
fn scalars_follow_the_core_schema() {
    check(
        "a: yes\nb: on\nc: true\nd: ~\ne: 0o17\nf: 0x1f\ng: 1.5e3\nh: \"12\"\ni: '~'\nj: -7\nk: 1e\n\
         l: 1.\nm: .5\nn: 18446744073709551615\no:\np: 2026-01-02\nq: 1_000\n",
        Some(json!({
            "a": "yes", "b": "on", "c": true, "d": null, "e": 15, "f": 31, "g": 1500.0, "h": "12",
            "i": "~", "j": -7, "k": "1e", "l": 1.0, "m": 0.5, "n": u64::MAX, "o": null,
            "p": "2026-01-02", "q": "1_000",
        })),
        &[],
    );
}

#[test]
fn numbers_that_json_lacks_are_refused_in_their_place() {
    check(
        "a: .nan\nb: -.inf\nc: 1e999\nd: 99999999999999999999\ne: 1\n",
        Some(json!({"a": "<broken>", "b": "<broken>", "c": "<broken>", "d": "<broken>", "e": 1})),
        &["S011 1:4", "S011 2:4", "S011 3:4", "S011 4:4"],
    );
}

#[test]
fn what_is_outside_of_the_subset_is_refused_in_its_place() {
    check(
        "a: &x {k: 1}\nb: *x\nc: !!str 5\nd: !ruby/object:Gem {e: 1}\n",
        Some(json!({"a": {"k": 1}, "b": "<broken>", "c": "<broken>", "d": {"e": 1}})),
        &["S011 1:4", "S011 2:4", "S011 3:4", "S011 4:4"],
    );
    check("a: 1\n---\nb: 2\n", None, &["S011 2:1"]);
    check(
        "1: a\n? [x]\n: b\n111122223333: c\n~: d\n",
        Some(json!({"1": "a", "111122223333": "c", "~": "d"})),
        &["S011 1:1", "S011 2:3", "S007 4:1", "S011 5:1"],
    );
    check("a: *nowhere\n", None, &["S000 1:4"]);
}

#[test]
fn the_first_of_two_equal_keys_is_kept() {
    check(
        "a: 1\nb: {c: 1, c: 2}\n\"a\": 2\n",
        Some(json!({"a": 1, "b": {"c": 1}})),
        &["S007 2:11", "S007 3:1"],
    );
}

#[test]
fn broken_syntax_has_a_place() {
    for text in [
        "a: [1, 2\n",
        "a: {b: 1\n",
        "a: \"b\n",
        "a: 'b\n",
        "a: b: c\n",
        "a: `b`\n",
        "a: b\n c: d\n",
    ] {
        let Read { root, diagnostics } = read("config.yaml", text.as_bytes());
        assert_eq!(root, None, "{text}");
        assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:?}");
        assert_eq!(diagnostics[0].code, "S000");
        assert!(diagnostics[0].span.line >= 1 && diagnostics[0].span.end <= text.len());
    }
    check_bytes(b"a: 1\nb: \xff\n", None, &["S000 2:4"]);
    check("a: 1\nb: \u{0}\n", None, &["S000 2:4"]);
    check("é: \u{1b}[31m\n", None, &["S000 1:4"]);
}

#[test]
fn an_empty_file_is_null() {
    check("", Some(Value::Null), &[]);
    check("# nothing\n", Some(Value::Null), &[]);
    check("\u{feff}a: 1\n", Some(json!({"a": 1})), &[]);
}

#[test]
fn limits_hold() {
    let deep =
        |open: &str, close: &str, depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
    let levels = limits::YAML_DEPTH_MAX;
    assert!(read("f", deep("[", "]", levels).as_bytes()).root.is_some());
    for bomb in [
        deep("[", "]", levels + 1),
        "[".repeat(limits::YAML_BYTES_MAX),
        "{".repeat(limits::YAML_BYTES_MAX),
        "- ".repeat(limits::YAML_BYTES_MAX / 2),
        "? ".repeat(limits::YAML_BYTES_MAX / 2),
        "x".repeat(limits::YAML_BYTES_MAX + 1),
        "[".to_owned() + &"1,".repeat(limits::YAML_NODES_MAX) + "]",
        // The billion laughs.
        (0..30).fold("a0: &a0 [lol]\n".to_owned(), |text, n| {
            let refs = vec![format!("*a{n}"); 9].join(", ");
            text + &format!("a{}: &a{} [{refs}]\n", n + 1, n + 1)
        }),
    ] {
        let Read { root, diagnostics } = read("f", bomb.as_bytes());
        assert!(!diagnostics.is_empty(), "{}", &bomb[..40]);
        assert!(diagnostics.len() <= limits::DIAGNOSTICS_MAX);
        assert!(root.is_none() || diagnostics[0].code == "S011");
    }
}

#[test]
fn marks_hold_exactly_what_was_written() {
    let text = "näme: [é, \"ü\"]  # c\nplain: a b   # c\nquoted: 'x'  # c\nlast:\n  block: |\n    über\n\n  flow: {a: 1}\n\n# end\n";
    let root = read("f", text.as_bytes()).root.unwrap();
    let held = |node: &Node| &text[node.mark.start..node.mark.end];
    assert_eq!(held(root.get("näme").unwrap()), "[é, \"ü\"]");
    assert_eq!(held(root.get("plain").unwrap()), "a b");
    assert_eq!(held(root.get("quoted").unwrap()), "'x'");
    let last = root.get("last").unwrap();
    assert_eq!(held(last.get("flow").unwrap()), "{a: 1}");
    assert_eq!(held(last), "block: |\n    über\n\n  flow: {a: 1}");
    let key = root.entry("last").unwrap().mark;
    assert_eq!(
        (&text[key.start..key.end], key.line, key.column),
        ("last", 4, 1)
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(read("f", &bytes));
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(text in "[-?:,\\[\\]{}#&*!|>'\"%@` \t\n\r~.0-9a-zé\u{feff}]{0,200}") {
        for finding in read("f", text.as_bytes()).diagnostics {
            prop_assert!(finding.span.end <= text.len());
            prop_assert!(text.is_char_boundary(finding.span.start));
        }
    }
}
