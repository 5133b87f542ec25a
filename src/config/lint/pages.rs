//! The reference pages of the rules, generated from the list of rules.

use std::fmt::Write as _;

use super::RULES;
use crate::diagnostic::Severity;

/// One page a rule and an index: file name and Markdown.
pub fn pages() -> Vec<(String, String)> {
    let mut index = "# Rules\n\n| Code | Severity | What it finds |\n|---|---|---|\n".to_owned();
    let mut pages = Vec::new();
    for rule in RULES {
        let (code, title) = (rule.code, rule.title);
        let severity = match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        writeln!(index, "| [{code}]({code}.md) | {severity} | {title} |")
            .expect("writing to a string succeeds");
        let page = format!(
            "# {code}: {title}\n\nSeverity: {severity}.\n\n{}\n",
            rule.docs.trim()
        );
        pages.push((format!("{code}.md"), page));
    }
    pages.push(("README.md".to_owned(), index));
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_listed_once_in_order_with_a_page_that_says_something() {
        let codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
        let mut ordered = codes.clone();
        ordered.sort_unstable();
        ordered.dedup();
        assert_eq!(codes, ordered);
        for (file, page) in pages() {
            assert!(page.len() > 150, "{file} says too little");
        }
    }
}
