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
