//! The reference pages of the rules: what people wrote between a head and a foot that follow from the
//! list of rules.

use std::fmt::Write as _;

use super::{RULES, Rule};

/// Where a page's own text begins and ends.
const BODY: &str = "## Why\n";
const FOOT: &str = "## How to turn it off\n";

/// One page a rule and an index: file name and Markdown.
pub fn pages() -> Vec<(String, String)> {
    let mut index = "# Rules\n\n\
        What `trueup lint` finds, what it passes over, and how to set it is told in\n\
        [Linting](../concepts/linting.md). `trueup explain H001` shows a page without the network.\n\n\
        | Code | Severity | What it finds |\n|---|---|---|\n"
        .to_owned();
    let mut pages = Vec::new();
    for rule in RULES {
        let (code, title) = (rule.code, rule.title);
        let severity = rule.level.words();
        writeln!(index, "| [{code}]({code}.md) | {severity} | {title} |")
            .expect("writing to a string succeeds");
        pages.push((format!("{code}.md"), page(rule)));
    }
    pages.push(("README.md".to_owned(), index));
    pages
}

fn page(rule: &Rule) -> String {
    let (code, title, severity) = (rule.code, rule.title, rule.level.words());
    let from = rule.page.find(BODY).unwrap_or_default();
    let body = &rule.page[from..];
    let body = body.find(FOOT).map_or(body, |to| &body[..to]).trim();
    format!(
        "# {code}: {title}\n\nSeverity: {severity}.\n\n{body}\n\n{FOOT}\n{}\n",
        foot(rule)
    )
}

fn foot(rule: &Rule) -> String {
    let code = rule.code;
    if rule.level.firm {
        return "It cannot be: what it finds cannot work.".to_owned();
    }
    format!(
        "For one place, with a reason and an end, behind the value or above it:\n\n\
         ```yaml\n# trueup: ignore[{code}] until=2027-01-31 reason=\"why it is fine here\"\n```\n\n\
         For the repository, in trueup.yaml:\n\n\
         ```yaml\nlint: {{rules: {{{code}: ignore}}}}\n```"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_listed_once_in_order_with_a_page_that_says_why_and_where_from() {
        let codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
        let mut ordered = codes.clone();
        ordered.sort_unstable();
        ordered.dedup();
        assert_eq!(codes, ordered);
        for rule in RULES {
            let page = page(rule);
            assert!(page.starts_with(&format!("# {}: {}\n", rule.code, rule.title)));
            for part in [BODY, "\n## Source\n", FOOT] {
                assert_eq!(page.matches(part).count(), 1, "{}: {part}", rule.code);
            }
        }
    }
}
