//! `quarantine.yaml`: model packages that automation must not use again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{companion, emit, shape};

/// One package that automation must not use again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantined {
    /// The package's ARN.
    #[schemars(extend("pattern" = "^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:model-package/.+$",
        "x-expected" = "the ARN of a model package"))]
    pub package: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Who said so.
    #[serde(default)]
    pub by: String,
    /// When, in RFC 3339.
    #[serde(default)]
    pub at: String,
}

impl Quarantined {
    /// Who said so and why, in parentheses; nothing where that is not known.
    pub fn why(&self) -> String {
        match (self.reason.as_str(), self.by.as_str()) {
            ("", "") => String::new(),
            (reason, "") => format!(" ({reason})"),
            ("", by) => format!(" (by {by})"),
            (reason, by) => format!(" ({reason}, by {by})"),
        }
    }
}

/// Reads a list by itself; `None` where it cannot be used.
pub fn read_quarantine(text: &str) -> Option<Vec<Quarantined>> {
    let bytes = text.as_bytes();
    companion::typed("quarantine", bytes, &shape::QUARANTINE, &mut Vec::new())
}

/// A list with more entries at its end. What people wrote stays as they wrote it, where more can be
/// written below it. `None` where the list cannot be used.
pub fn quarantined(text: Option<&str>, more: &[Quarantined]) -> Option<String> {
    let old = text.unwrap_or_default();
    let mut all = match text {
        Some(text) => read_quarantine(text)?,
        None => Vec::new(),
    };
    all.extend(more.iter().cloned());
    let line_end = if old.is_empty() || old.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let below = format!("{old}{line_end}{}", emit::emit_quarantine(more));
    let same = read_quarantine(&below).is_some_and(|read| read == all);
    Some(if same {
        below
    } else {
        emit::emit_quarantine(&all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: u32) -> Quarantined {
        Quarantined {
            package: format!(
                "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/{version}"
            ),
            reason: "it's \"slow\": see #7".to_owned(),
            by: "ada".to_owned(),
            at: "2026-11-22T12:00:00Z".to_owned(),
        }
    }

    /// What becomes of a list to which the third package is added.
    fn check(text: Option<&str>, starts: &str, packages: &[u32]) {
        let written = quarantined(text, &[entry(3)]).expect("a list");
        assert!(written.starts_with(starts), "{written}");
        let read = read_quarantine(&written).expect("a list");
        let expect: Vec<_> = packages.iter().map(|one| entry(*one).package).collect();
        let found: Vec<_> = read.into_iter().map(|one| one.package).collect();
        assert_eq!(found, expect, "{written}");
    }

    #[test]
    fn what_people_wrote_stays_above_what_is_added() {
        let one = emit::emit_quarantine(&[entry(1)]);
        let flow = format!("# slow ones\n- {{package: \"{}\"}}", entry(2).package);
        check(None, "- package: ", &[3]);
        check(Some("[]\n"), "- package: ", &[3]);
        check(Some(&one), &one, &[1, 3]);
        check(Some(&flow), &flow, &[2, 3]);
        check(
            Some(&format!("[{{package: \"{}\"}}]\n", entry(2).package)),
            "- package",
            &[2, 3],
        );
        assert_eq!(
            quarantined(Some("- {package: churn/1}\n"), &[entry(3)]),
            None
        );
    }
}
