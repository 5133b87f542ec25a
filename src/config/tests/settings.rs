//! How strict the linter is: by trueup.yaml, and by comments in the file.

use super::{MODEL, TRUEUP, snapshot, sound};
use crate::clock::Timestamp;
use crate::config::{LoadedModel, load};
use crate::diagnostic::Severity;
use crate::limits;

/// Loads the sound model with `production` in another form, under these settings, on a day of 2026.
fn loaded(settings: &str, production: &str, day: &str) -> LoadedModel {
    let lint = TRUEUP.find("lint:").expect("the fixture has settings");
    let shared = format!("{}lint: {{{settings}}}\n", &TRUEUP[..lint]);
    let from = MODEL.find("  production:").expect("the fixture has it");
    let text = format!("{}{production}", &MODEL[..from]);
    let mut files = sound();
    files.insert("trueup.yaml", shared.as_bytes());
    files.insert("models/churn/config.yaml", text.as_bytes());
    let mut snapshot = snapshot(files);
    let time: Timestamp = format!("{day}T12:00:00Z").parse().expect("a day");
    snapshot.time = time;
    let mut loaded = load(&snapshot);
    let idle = loaded.diagnostics.iter().filter(|one| one.code != "G009");
    assert_eq!(idle.count(), 0, "{:?}", loaded.diagnostics);
    loaded.models.remove(0)
}

/// The findings of a rule's code: line, severity and message.
fn found(model: &LoadedModel, code: &str) -> Vec<String> {
    let all = model.diagnostics.iter().filter(|one| one.code == code);
    all.map(|one| format!("{} {} {}", one.span.line, one.severity.word(), one.message))
        .collect()
}

const OFF: &str = "A001: ignore, A002: ignore, A005: ignore, H002: ignore";

#[test]
fn trueup_yaml_makes_a_rule_what_it_wants_by_mode() {
    let severities = |settings: &str, code: &str| {
        let model = loaded(settings, "  production: {}\n", "2026-11-23");
        let all = model.diagnostics.into_iter().filter(|one| one.code == code);
        let all: Vec<_> = all.map(|one| one.severity).collect();
        (all, model.config.is_some())
    };
    let (info, warning, error) = (Severity::Info, Severity::Warning, Severity::Error);
    assert_eq!(severities("", "A001"), (vec![info, warning], true));
    assert_eq!(severities("rules: {A001: ignore}", "A001"), (vec![], true));
    let one = "rules: {A001: {production: error}}";
    assert_eq!(severities(one, "A001"), (vec![info, error], false));
    let one = "rules: {A001: {development: ignore, production: info}}";
    assert_eq!(severities(one, "A001"), (vec![info], true));
    // In `staging` the rule is off by itself.
    assert_eq!(
        severities("rules: {H001: error}", "H001"),
        (vec![error], false)
    );
}

#[test]
fn what_cannot_work_stays_an_error() {
    let model = loaded("rules: {N005: ignore}", "  home: {}\n", "2026-11-23");
    assert_eq!(found(&model, "N005").len(), 1);
    assert!(model.config.is_none());
}

#[test]
fn a_comment_ignores_a_line_an_entry_or_a_file_until_its_day() {
    let until = "until=2026-12-31 reason=\"a load test\"";
    let check = |production: &str, day: &str, ignored: usize, said: &[&str]| {
        let model = loaded(&format!("rules: {{{OFF}}}"), production, day);
        assert_eq!(model.ignored.len(), ignored, "{production}");
        let mut all = found(&model, "G002");
        all.extend(found(&model, "G008"));
        assert_eq!(all, said, "{production}");
        assert_eq!(found(&model, "S005").len(), 1 - ignored, "{production}");
    };
    let region = "    region: eu-west-1";
    let behind = format!("  production:\n{region} # trueup: ignore[S005] {until}\n");
    check(&behind, "2026-12-31", 1, &[]);
    let late = "28 warning the comment ignored this until 2026-12-31";
    check(&behind, "2027-01-01", 0, &[late]);
    let above = format!(
        "  # trueup: ignore[H001, S005] {until}\n  # And so on.\n\n  production:\n    mode: production\n{region}\n"
    );
    let none = "27 warning there is no H001 here to ignore";
    check(&above, "2026-11-23", 1, &[none]);
    let file = format!("  production:\n{region}\n# trueup: ignore-file[S005] {until}\n");
    check(&file, "2026-11-23", 1, &[]);
    let elsewhere = format!("  production: # trueup: ignore[S005] {until}\n{region}\n");
    check(
        &elsewhere,
        "2026-11-23",
        0,
        &["27 warning there is no S005 here to ignore"],
    );
    let text = format!(
        "  production:\n{region}\ndescription: \"x # trueup: ignore-file[S005] {}\"\n",
        "y"
    );
    check(&text, "2026-11-23", 0, &[]);
}

#[test]
fn a_comment_says_why_and_until_when_and_what_it_may_ignore() {
    let check = |words: &str, said: &str| {
        let production = format!("  production:\n    region: eu-west-1 # trueup: {words}\n");
        let settings = format!("rules: {{{OFF}}}, not_ignorable: [S005]");
        let model = loaded(&settings, &production, "2026-11-23");
        let mut all = found(&model, "G002");
        all.extend(found(&model, "G008"));
        assert_eq!(all, [format!("28 warning {said}")], "{words}");
        assert!(model.ignored.is_empty());
    };
    let rest = "until=2026-12-31 reason=x";
    check(
        "ignore[S006] reason=x",
        "the comment does not say until when: it ignores nothing",
    );
    check(
        "ignore[S006] until=2026-12-31",
        "the comment does not say why: it ignores nothing",
    );
    check(
        "ignore[S006] until=2026-12-31 reason=\"\"",
        "the comment does not say why: it ignores nothing",
    );
    check(
        "ignore[S006] until=soon reason=x",
        "`soon` is no day such as `2027-01-31`",
    );
    check(
        "ignore[S006] until=2026-12-31 reason=\"x",
        "a quote that is not closed",
    );
    check("ignore[S006] whatever", "`whatever` is no `key=value`");
    check("ignore[S006] by=ann", "`by` means nothing here");
    check("ignore", "a comment for trueup without a code");
    check("ignore[S006", "the codes do not end with `]`");
    check(
        &format!("forgive[S006] {rest}"),
        "`forgive` means nothing to trueup",
    );
    check(&format!("ignore[Z999] {rest}"), "there is no rule `Z999`");
    check(
        &format!("ignore[S001] {rest}"),
        "S001 finds what cannot work: it is not ignored",
    );
    check(
        &format!("ignore[S005] {rest}"),
        "trueup.yaml does not let S005 be ignored",
    );
}

#[test]
fn comments_are_bounded() {
    let one = "# trueup: ignore[S006] until=2026-12-31 reason=x\n";
    let many = "  production: {}\n".to_owned() + &one.repeat(limits::IGNORES_MAX + 5);
    let model = loaded(&format!("rules: {{{OFF}}}"), &many, "2026-11-23");
    let line = 28 + limits::IGNORES_MAX;
    let more = format!(
        "{line} warning more than {} comments that ignore",
        limits::IGNORES_MAX
    );
    assert_eq!(found(&model, "G002"), [more]);
}
