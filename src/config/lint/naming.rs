//! Names: of the model, of what is derived from it, and within the file.

use super::{Findings, Level, Rule, Subject};
use crate::config::Origins;
use crate::config::census::Claim;
use crate::config::document::join;
use crate::config::model::ModelConfig;
use crate::diagnostic::Diagnostic;
use crate::limits;

/// A derived name that the service refuses.
pub(super) const N001: Rule = Rule {
    code: "N001",
    title: "a name that does not fit the names made of it",
    level: Level::REFUSED,
    page: page!("N001"),
    check: Some(derived),
};

/// Two models, one resource.
pub(super) const N002: Rule = Rule {
    code: "N002",
    title: "two models that would own one resource",
    level: Level::REFUSED,
    page: page!("N002"),
    check: None,
};

/// A name that holds an environment's.
pub(super) const N003: Rule = Rule {
    code: "N003",
    title: "a model's name that ends in an environment's",
    level: Level::WARNING,
    page: page!("N003"),
    check: Some(doubled),
};

/// Tags over AWS's bounds.
pub(super) const N004: Rule = Rule {
    code: "N004",
    title: "tags that AWS refuses",
    level: Level::REFUSED,
    page: page!("N004"),
    check: Some(tags),
};

/// A name within the file that is unusable.
pub(super) const N005: Rule = Rule {
    code: "N005",
    title: "a name within the file that cannot be used",
    level: Level::REFUSED,
    page: page!("N005"),
    check: Some(inner),
};

/// Characters of the longest thing that is put behind `<name>-<environment>`.
const DIGEST_SUFFIX: usize = "-0123456789".len();
const MONITOR_SUFFIX: usize = "-data-quality".len();

fn derived(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let name = subject.text("/name").unwrap_or_default();
    for (environment, pointer, value) in subject.environments() {
        let key = subject.origins.key(&pointer);
        if !is_slug(environment) {
            if !environment.contains("${") {
                let message = format!("`{environment}` is no name for an environment");
                let help = "use lower-case letters, digits and single hyphens between them";
                findings.push(N001.at(key, message).help(help));
            }
            continue;
        }
        let monitored = value
            .pointer("/monitors/data_quality")
            .is_some_and(|one| !one.is_null());
        let suffix = DIGEST_SUFFIX + if monitored { MONITOR_SUFFIX } else { 0 };
        let length = name.len() + 1 + environment.len() + suffix;
        if is_slug(name) && length > limits::NAME_MAX {
            let more = length - limits::NAME_MAX;
            let message = format!(
                "names made of `{name}-{environment}` get {length} characters, {more} too many"
            );
            let help = "shorten the name of the model or of the environment";
            findings.push(N001.at(key, message).help(help));
        }
    }
}

fn doubled(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(name) = subject.text("/name") else {
        return;
    };
    let environments = subject.environments.iter();
    let mut ends = environments.filter(|one| {
        name.strip_suffix(one.as_str())
            .is_some_and(|head| head.ends_with('-'))
    });
    if let Some(environment) = ends.next() {
        let message = format!("the name ends in `{environment}`, which is added to derived names");
        let finding = N003.at(subject.origins.origin("/name"), message);
        findings.push(finding.help(format!("leave `-{environment}` out")));
    }
}

fn tags(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let environments = subject
        .environments()
        .map(|(_, pointer, _)| pointer + "/tags");
    for all in std::iter::once("/tags".to_owned()).chain(environments) {
        let mut count = 0;
        for (key, value) in subject.entries(&all) {
            count += 1;
            let span = subject.origins.key(&join(&all, key));
            let value = value.as_str().unwrap_or_default();
            let reserved = ["aws:", "trueup:"]
                .iter()
                .find(|head| key.to_lowercase().starts_with(**head));
            let message = if let Some(head) = reserved {
                format!("tags that start with `{head}` are reserved")
            } else if key.is_empty() || key.chars().count() > limits::TAG_KEY_MAX {
                format!(
                    "the key of a tag has 1 to {} characters",
                    limits::TAG_KEY_MAX
                )
            } else if value.chars().count() > limits::TAG_VALUE_MAX {
                format!(
                    "the value of a tag has at most {} characters",
                    limits::TAG_VALUE_MAX
                )
            } else if !key.chars().chain(value.chars()).all(is_tag_character) {
                "a tag takes letters, digits, spaces and `_ . : / = + - @`".to_owned()
            } else {
                continue;
            };
            findings.push(N004.at(span, message));
        }
        if count > limits::TAGS_MAX {
            let message = format!("{count} tags, of at most {}", limits::TAGS_MAX);
            findings.push(N004.at(subject.origins.key(&all), message));
        }
    }
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

/// How a name within the file may look, and what to say if it does not.
type Look = (fn(&str) -> bool, &'static str);

const WORD: Look = (
    is_word,
    "letters, digits, `_` and `-`, at most 63, with a letter or digit first",
);
const HYPHENED: Look = (
    is_hyphened,
    "letters, digits and hyphens between them, at most 63",
);
const PARAMETER: Look = (
    is_parameter,
    "letters, digits, `_`, `-` and `.`, at most 256",
);

fn inner(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut judge = |pointer: String, name: &str, is_key: bool, (fits, takes): Look| {
        if fits(name) || name.contains("${") {
            return;
        }
        let place = if is_key {
            join(&pointer, name)
        } else {
            pointer
        };
        let (origins, shown) = (subject.origins, name.escape_debug());
        let span = if is_key {
            origins.key(&place)
        } else {
            origins.origin(&place)
        };
        findings.push(
            N005.at(span, format!("`{shown}` cannot be used as a name here"))
                .help(format!("use {takes}")),
        );
    };
    for (all, look) in [
        ("/data", WORD),
        ("/processing", WORD),
        ("/evaluation/gates", PARAMETER),
        ("/training/hyperparameters", PARAMETER),
    ] {
        subject
            .entries(all)
            .for_each(|(name, _)| judge(all.to_owned(), name, true, look));
    }
    for (step, value) in subject.entries("/processing") {
        let outputs = value.get("outputs").and_then(|all| all.as_array());
        for (at, output) in outputs.into_iter().flatten().enumerate() {
            let pointer = format!("{}/outputs/{at}", join("/processing", step));
            judge(pointer, output.as_str().unwrap_or("-"), false, WORD);
        }
    }
    for (_, pointer, _) in subject.environments() {
        for (rest, look) in [
            ("/deployment/variants", HYPHENED),
            ("/deployment/shadow", HYPHENED),
            ("/deployment/rollout/rollback_on", WORD),
            ("/notifications/routes", WORD),
        ] {
            let all = pointer.clone() + rest;
            subject
                .entries(&all)
                .for_each(|(name, _)| judge(all.clone(), name, true, look));
        }
    }
    if subject.environments.iter().any(|name| name == "home") {
        let span = subject.origins.key("/environments/home");
        let finding = N005.at(span, "`home` is where the model is trained, no environment");
        findings.push(finding.help("call the environment something else"));
    }
}

/// What a model claims for itself alone: its name, and each endpoint in its account and region.
pub(in crate::config) fn claims(config: &ModelConfig) -> Vec<Claim> {
    let name = Claim {
        place: None,
        name: config.name.clone(),
        pointer: "/name".to_owned(),
    };
    let endpoints = config.environments.iter().map(|one| Claim {
        place: Some((one.account.clone(), one.region.clone())),
        name: format!("{}-{}", config.name, one.name),
        pointer: join("/environments", &one.name),
    });
    std::iter::once(name).chain(endpoints).collect()
}

/// Says that the model in `rival` claims the same.
pub(in crate::config) fn rivalry(origins: &Origins, claim: &Claim, rival: &str) -> Diagnostic {
    let name = &claim.name;
    let (span, message) = match &claim.place {
        None => (
            origins.origin(&claim.pointer),
            format!("the model in `{rival}` is called `{name}` too"),
        ),
        Some((account, region)) => (
            origins.key(&claim.pointer),
            format!("the endpoint `{name}` in {account}/{region} is the model's in `{rival}` too"),
        ),
    };
    N002.at(span, message).help("rename one of the two")
}

/// `[a-z0-9](-?[a-z0-9])*`
fn is_slug(text: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.split('-').all(fits)
}

fn is_word(text: &str) -> bool {
    text.len() <= limits::NAME_MAX
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// `[a-zA-Z0-9](-*[a-zA-Z0-9])*`
fn is_hyphened(text: &str) -> bool {
    is_word(text) && !text.contains('_') && !text.ends_with('-')
}

fn is_parameter(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}
