//! Keys, networks, accounts and secrets.

use serde_json::Value;

use super::schema::walk;
use super::{Findings, Level, Rule, Subject};
use crate::config::model::EnvironmentMode;
use crate::diagnostic::Diagnostic;

/// No key of one's own.
pub(super) const A001: Rule = Rule {
    code: "A001",
    title: "nothing is encrypted with a key of yours",
    level: Level::STRICTER,
    page: page!("A001"),
    check: Some(keyless),
};

/// No network of one's own.
pub(super) const A002: Rule = Rule {
    code: "A002",
    title: "no network of yours, or one that lies in a single place",
    level: Level::STRICTER,
    page: page!("A002"),
    check: Some(public),
};

/// A secret in a file, or a role that may do everything.
pub(super) const A004: Rule = Rule {
    code: "A004",
    title: "a secret in the file, or a role that may do everything",
    level: Level::ERROR,
    page: page!("A004"),
    check: Some(secrets),
};

/// One account for all.
pub(super) const A005: Rule = Rule {
    code: "A005",
    title: "an account, or a role, that production shares with what is only tried",
    level: Level::STRICTER,
    page: page!("A005"),
    check: Some(shared),
};

/// Talk between instances that anybody may read.
pub(super) const T009: Rule = Rule {
    code: "T009",
    title: "instances of one job that talk in the clear",
    level: Level::STRICTER,
    page: page!("T009"),
    check: Some(clear),
};

/// Says the same of each environment that lacks something, or of the home where it alone does.
fn lacking(
    subject: &Subject<'_>,
    findings: &mut Findings<'_>,
    pointer: &str,
    finding: impl Fn(&str, &str) -> Diagnostic,
) {
    let lacks = |place: &Value| place.pointer(pointer).is_none_or(Value::is_null);
    let mut told = false;
    for (name, place, environment) in subject.environments().filter(|(.., one)| lacks(one)) {
        told = true;
        let finding = finding(&place, &format!("`{name}`"));
        findings.push_in(Subject::mode(environment), finding);
    }
    if !told && lacks(subject.document) {
        findings.push(finding("", "the model's home"));
    }
}

fn keyless(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    lacking(
        subject,
        findings,
        "/encryption/kms_key_id",
        |place, name| {
            let message = format!("{name} encrypts with keys of AWS's, not with one of yours");
            let finding = A001.at(subject.origins.key(place), message);
            finding.help("name a key: `encryption: {kms_key_id: alias/<name>}`")
        },
    );
}

fn public(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    lacking(subject, findings, "/network/vpc", |place, name| {
        let message = format!("{name} is in no network of yours");
        let finding = A002.at(subject.origins.key(place), message);
        finding.help("name one: `network: {vpc: {subnets: […], security_group_ids: […]}}`")
    });
    let mut told = Vec::new();
    for (_, pointer, environment) in subject.environments() {
        let subnets = environment.pointer("/network/vpc/subnets");
        let span = subject.origins.key(&(pointer + "/network/vpc/subnets"));
        let one = subnets
            .and_then(Value::as_array)
            .is_some_and(|all| all.len() == 1);
        // What environments inherit is said once.
        if one && !told.contains(&span) {
            told.push(span.clone());
            let message = "one subnet lies in one availability zone, and goes with it";
            findings.push_in(Subject::mode(environment), A002.at(span, message));
        }
    }
}

fn shared(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let is = |environment: &Value, mode| Subject::mode(environment) == mode;
    let text = |environment: &'_ Value, pointer: &str| {
        environment
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    for (name, pointer, one) in subject.environments() {
        if !is(one, EnvironmentMode::Production) {
            continue;
        }
        for (key, what) in [("/account", "account"), ("/roles/execution/arn", "role")] {
            let Some(own) = text(one, key) else {
                continue;
            };
            let mut others = subject.environments();
            let other = others.find(|(_, _, other)| {
                is(other, EnvironmentMode::Development) && text(other, key).as_ref() == Some(&own)
            });
            if let Some((other, ..)) = other {
                let message = format!("`{name}` shares its {what} with `{other}`");
                let finding = A005.at(subject.origins.key(&pointer), message);
                let help = format!("what is tried in `{other}` can then harm `{name}`");
                findings.push_in(EnvironmentMode::Production, finding.help(help));
                break;
            }
        }
    }
}

fn clear(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let encrypted = subject.document.pointer("/network/encrypt_inter_container");
    if encrypted == Some(&Value::Bool(true)) {
        return;
    }
    let steps = subject.entries("/processing");
    let steps = steps.map(|(name, _)| super::super::document::join("/processing", name));
    for job in std::iter::once("/training".to_owned()).chain(steps) {
        let pointer = job + "/instance_count";
        let count = subject.document.pointer(&pointer).and_then(Value::as_f64);
        if let Some(count) = count.filter(|count| *count > 1.0) {
            let message = format!("{count} instances tell each other the data in the clear");
            let finding = T009.at(subject.origins.origin(&pointer), message);
            findings.push(finding.help("write `network: {encrypt_inter_container: true}`"));
        }
    }
}

fn secrets(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut visit = |pointer: &str, key: Option<&str>, value: &Value| {
        let Some(text) = value.as_str() else {
            return;
        };
        let what = if key == Some("arn") && is_mighty(text) {
            "a role that may do everything"
        } else if let Some(what) = credential(text) {
            what
        } else if key.is_some_and(is_secret_name) && is_literal(text) {
            "what looks like a secret"
        } else {
            return;
        };
        let finding = A004.at(subject.origins.origin(pointer), what);
        findings.push(finding.help(if key == Some("arn") {
            "give the model a role with what it needs and no more"
        } else {
            "take it back at its issuer, and let the container read it from Secrets Manager"
        }));
    };
    walk(String::new(), None, subject.document, &mut visit);
}

/// Roles that accounts have for people who may do everything.
fn is_mighty(arn: &str) -> bool {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let names = [
        "Admin",
        "Administrator",
        "AdministratorAccess",
        "OrganizationAccountAccessRole",
    ];
    names.iter().any(|one| name.eq_ignore_ascii_case(one))
}

/// What a text is, where it has the look of a credential that somebody issued.
fn credential(text: &str) -> Option<&'static str> {
    let follows = |head: &str, least: usize| {
        let found = text.split(head).nth(1)?;
        let tail = found
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_');
        (tail.count() >= least).then_some(())
    };
    let key_id = ["AKIA", "ASIA"].into_iter().any(|head| {
        text.match_indices(head).any(|(at, _)| {
            let id = text[at..].bytes().take_while(u8::is_ascii_alphanumeric);
            let whole = text[..at]
                .bytes()
                .next_back()
                .is_none_or(|b| !b.is_ascii_alphanumeric());
            let upper = text[at..].bytes().take(20);
            whole && id.count() == 20 && upper.clone().all(|b| !b.is_ascii_lowercase())
        })
    });
    if key_id {
        return Some("an AWS access key");
    }
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let tokens = [
        ("ghp_", 36, "a token of GitHub"),
        ("github_pat_", 36, "a token of GitHub"),
        ("glpat-", 20, "a token of GitLab"),
        ("hf_", 30, "a token of Hugging Face"),
        ("sk_live_", 16, "a key of Stripe"),
    ];
    let token = tokens
        .iter()
        .find(|(head, least, _)| follows(head, *least).is_some());
    token.map(|(.., what)| *what)
}

/// Whether a key says that its value is a secret.
fn is_secret_name(key: &str) -> bool {
    let key = key.to_ascii_uppercase();
    let ends = [
        "PASSWORD",
        "PASSWD",
        "_SECRET",
        "SECRET_KEY",
        "API_KEY",
        "ACCESS_KEY",
        "_TOKEN",
    ];
    ends.iter().any(|end| key.ends_with(end))
}

/// Whether a text is the secret itself, and not the place of one.
fn is_literal(text: &str) -> bool {
    text.len() >= 8 && !text.contains("${") && !text.starts_with("arn:") && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_by_their_look() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(credential(text), expected, "{text}");
        // Put together here, so that no scanner takes this file for a leak.
        check(
            &format!("AKIA{}", "Q7".repeat(8)),
            Some("an AWS access key"),
        );
        check(&format!("xAKIA{}", "Q7".repeat(8)), None);
        check(&format!("AKIA{}", "Q7".repeat(9)), None);
        check("AKIA, which is a head of keys", None);
        check(
            &format!("ghp_{}", "a1".repeat(18)),
            Some("a token of GitHub"),
        );
        check("ghp_short", None);
        check(
            "-----BEGIN RSA PRIVATE KEY-----\nMII",
            Some("a private key"),
        );
        check("ml.m5.large", None);
    }

    #[test]
    fn a_place_of_a_secret_is_none() {
        assert!(is_secret_name("DB_PASSWORD") && is_secret_name("api_key"));
        assert!(!is_secret_name("TOKENIZER") && !is_secret_name("MAX_TOKENS"));
        assert!(is_literal("correct-horse"));
        assert!(!is_literal(
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x"
        ));
        assert!(!is_literal("prod/db/password") && !is_literal("short"));
    }
}
