//! Files that mean harm, or nothing.

use proptest::prelude::*;

use super::{MODEL, snapshot, sound};
use crate::config::load;
use crate::diagnostic::any_error;
use crate::limits;

#[test]
fn hostile_files_are_bounded() {
    let many =
        |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let variants = many(1500, &|n| format!("    v{n}: {{}}\n"));
    let environments = many(90, &|n| format!("  e{n}: {{}}\n"));
    let bomb = format!("deployment:\n  variants:\n{variants}environments:\n{environments}");
    let steps = many(2000, &|n| {
        format!("  s{n}: {{script: x, inputs: [a, b], outputs: [c]}}\n")
    });
    for text in [
        bomb,
        format!("processing:\n{steps}"),
        format!("{MODEL}unknown: {}\n", "[".repeat(60)),
    ] {
        let loaded = load(&snapshot([("config.yaml", text.as_bytes())]));
        let findings = &loaded.models[0].diagnostics;
        assert!(loaded.models[0].config.is_none());
        assert!(!findings.is_empty() && findings.len() <= limits::DIAGNOSTICS_MAX + 1);
    }
    let unknown = many(300, &|n| format!("k{n}: 1\n"));
    let loaded = load(&snapshot([("config.yaml", unknown.as_bytes())]));
    assert_eq!(loaded.models[0].diagnostics.last().unwrap().code, "S014");
}

proptest! {
    #[test]
    fn mangled_files_never_panic(at in 0..MODEL.len(), cut in 0..40_usize, put in "[-?:,\\[\\]{}#&*!|>'\"%@` \n~0-9a-z$é]{0,12}") {
        let mut text = MODEL.to_owned();
        text.replace_range(at..(at + cut).min(MODEL.len()), &put);
        let mut files = sound();
        files.insert("models/churn/config.yaml", text.as_bytes());
        let model = &load(&snapshot(files)).models[0];
        prop_assert!(!model.diagnostics.iter().any(|one| one.message.contains("defect")));
        let errors = any_error(&model.diagnostics);
        prop_assert_eq!(model.config.is_none(), errors);
    }
}

/// What is found in the sound model with something else at its end, as codes.
fn codes(more: &[u8]) -> Vec<String> {
    let mut text = MODEL.as_bytes().to_vec();
    text.extend(more);
    whole(&text)
}

/// The same of a whole file.
fn whole(text: &[u8]) -> Vec<String> {
    let mut files = sound();
    files.insert("models/churn/config.yaml", text);
    let loaded = load(&snapshot(files));
    let all = loaded.models[0].diagnostics.iter();
    let mut codes: Vec<_> = all.map(|one| one.code.clone()).collect();
    codes.dedup();
    codes
}

#[test]
fn every_trap_has_a_code() {
    let check = |what: &str, more: &str, expected: &[&str]| {
        assert_eq!(codes(more.as_bytes()), expected, "{what}");
    };
    check(
        "an anchor and its alias",
        "description: &a x\nowner: *a\n",
        &["S011"],
    );
    check("a merge key", "tags: {<<: {a: b}}\n", &["S011"]);
    check("a tag", "owner: !!python/object:os.system x\n", &["S011"]);
    check("two documents", "---\nname: other\n", &["S011"]);
    check("a key twice", "name: other\n", &["S007"]);
    check(
        "a key of another alphabet",
        "n\u{430}me: other\n",
        &["S001"],
    );
    check("a key with nothing in it", "own\u{200b}er: me\n", &["S001"]);
    check("a word that is false elsewhere", "owner: no\n", &["S015"]);
    check(
        "an octal number",
        "tags: {}\ndescription: a\nowner: 0777\n",
        &["S002", "S015"],
    );
    check("a number with a line in it", "owner: 1_000\n", &["S015"]);
    check("a date", "owner: 2026-01-02\n", &["S015"]);
    check("a number of base 60", "owner: 12:30\n", &["S015"]);
    check("infinity", "owner: .inf\n", &["S011"]);
    check("a control character", "owner: \u{7}\n", &["S000"]);
    check("nothing", "owner: \u{0}\n", &["S000"]);
    check("a tab before a key", "tags:\n\ta: b\n", &["S000"]);
    check(
        "a path that leads out",
        "serving: {entry_point: ../../etc/passwd}\n",
        &["F001"],
    );
    check(
        "an absolute path",
        "serving: {entry_point: /etc/passwd}\n",
        &["F001"],
    );
    check(
        "a path of Windows",
        "serving: {entry_point: 'src\\train.py'}\n",
        &["F001"],
    );
    assert_eq!(codes(b"owner: \xff\xfe\n"), ["S000"], "no UTF-8");
    let marked = [b"\xef\xbb\xbf", MODEL.as_bytes()].concat();
    assert_eq!(whole(&marked), ["S016"], "a byte order mark");
    let windows = MODEL.replace('\n', "\r\n");
    assert_eq!(whole(windows.as_bytes()), ["S016"], "line ends of Windows");
    let wide: Vec<u8> = MODEL.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(whole(&wide), ["S000"], "UTF-16");
    let large = vec![b'#'; limits::YAML_BYTES_MAX + 1];
    assert_eq!(whole(&large), ["S000"], "a large file");
    let deep = "a: ".to_owned() + &"[".repeat(10_000);
    assert_eq!(whole(deep.as_bytes()), ["S000"], "10,000 levels");
}

#[test]
fn what_looks_like_a_letter_is_told_by_its_number() {
    let text = format!("{MODEL}n\u{430}me: other\n");
    let mut files = sound();
    files.insert("models/churn/config.yaml", text.as_bytes());
    let loaded = load(&snapshot(files));
    let help = loaded.models[0].diagnostics[0].help.as_ref().expect("help");
    assert!(help.starts_with("`\u{430}` is U+0430"), "{help}");
}
