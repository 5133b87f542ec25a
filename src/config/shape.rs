//! Shapes: a document against a schema, every violation as a finding in its place.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind as Wrong};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::document::Origins;
use super::schema::{self, SCHEMAS};
use crate::diagnostic::{Diagnostic, Span};

/// Names that a key may take in an unknown key's help.
const ALLOWED_SHOWN_MAX: usize = 30;

/// Names that a misspelt one is compared with.
const CANDIDATES_MAX: usize = 500;

/// A schema, ready to judge.
pub(super) struct Shape {
    schema: &'static Value,
    validator: Validator,
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident = $field:ident;)*) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Shape> = LazyLock::new(|| Shape::new(&SCHEMAS.$field));
    )*};
}

shapes! {
    /// `config.yaml` as written.
    PARTIAL = partial;
    /// `config.yaml` after composition.
    COMPOSED = composed;
    /// `trueup.yaml`.
    INSTALLATION = installation;
    /// A pin.
    PIN = pin;
    /// A release.
    RELEASE = release;
    /// `quarantine.yaml`.
    QUARANTINE = quarantine;
    /// A table of images.
    IMAGES = images;
    /// A list of sources.
    SOURCES = sources;
}

impl Shape {
    fn new(schema: &'static Value) -> Self {
        Self {
            schema,
            validator: jsonschema::validator_for(schema).expect("generated schemas are valid"),
        }
    }

    /// All violations of the schema, in no particular order.
    pub(super) fn check(&self, document: &Value, origins: &Origins) -> Vec<Diagnostic> {
        let errors: Vec<_> = self.validator.iter_errors(document).collect();
        let is_type = |error: &&ValidationError<'_>| matches!(error.kind(), Wrong::Type { .. });
        let mistyped: BTreeSet<String> = errors
            .iter()
            .filter(is_type)
            .map(|error| error.instance_path().as_str().to_owned())
            .collect();
        errors
            .iter()
            .filter(|error| {
                let pointer = error.instance_path().as_str();
                let told = !is_type(error) && mistyped.contains(pointer);
                // Rules S003 and S004 say what is wrong with a variable.
                let text = error.instance().as_str();
                let variable = text.is_some_and(|text| text.contains("${"));
                !told && !variable && !origins.broken(pointer)
            })
            .flat_map(|error| self.findings(error, origins))
            .collect()
    }

    /// Makes whole numbers integers where the schema wants those, as it counts `1.0` as one.
    pub(super) fn settle(&self, document: &mut Value) {
        settle(self.schema, document);
    }

    /// Takes out what the schema does not know, for types that take nothing else.
    pub(super) fn known(&self, document: &Value) -> Value {
        known(self.schema, document)
    }

    fn findings(&self, error: &ValidationError<'_>, origins: &Origins) -> Vec<Diagnostic> {
        let pointer = error.instance_path().as_str();
        if let Wrong::AdditionalProperties { unexpected } = error.kind() {
            let keys = unexpected.iter();
            return keys
                .map(|key| self.unknown(pointer, key, origins))
                .collect();
        }
        vec![self.wrong(error, pointer, origins)]
    }

    fn unknown(&self, pointer: &str, key: &str, origins: &Origins) -> Diagnostic {
        let place = super::document::join(pointer, key);
        let schema = schema::at(self.schema, &steps(pointer));
        let properties = schema.and_then(|schema| schema.get("properties"));
        let allowed: Vec<&str> = properties
            .and_then(Value::as_object)
            .map(|map| map.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let mut finding =
            Diagnostic::error("S001", origins.key(&place), format!("unknown key `{key}`"));
        if let Some(near) = nearest(key, &allowed) {
            finding.label = Some(format!("did you mean `{near}`?"));
            // The same words in another spelling are no guess.
            let same = snake_case(key) == near;
            let (start, end) = (finding.span.start, finding.span.end);
            finding = finding.mend(same, start, end, near);
        }
        let takes = format!("{} takes {}", subject(pointer), list(&allowed));
        finding.help(match odd_letter(key) {
            Some(odd) => format!("{odd}; {takes}"),
            None => takes,
        })
    }

    fn wrong(&self, error: &ValidationError<'_>, pointer: &str, origins: &Origins) -> Diagnostic {
        let steps = steps(pointer);
        let name = subject(pointer);
        let found = found(error.instance());
        let schema = schema::at(self.schema, &steps);
        let expected = || {
            let note = schema.and_then(|schema| schema.get("x-expected")?.as_str());
            note.map(str::to_owned)
        };
        let spot = origins.spot(pointer, error.instance());
        let takes = |what: String| {
            Diagnostic::error(
                "S002",
                spot.clone(),
                format!("{name} is {found}, but takes {what}"),
            )
        };
        let last = *steps.last().unwrap_or(&"");
        match error.kind() {
            Wrong::Type { .. } | Wrong::Pattern { .. } if last == "account" => {
                account(error.instance(), &name, spot)
            }
            Wrong::Pattern { .. } if pointer == "/name" => naming(takes, expected()),
            Wrong::Type { kind } => takes(expected().unwrap_or_else(|| types(kind))),
            Wrong::Enum { options } => choice(takes, options, error.instance()),
            Wrong::Constant { expected_value } => takes(format!("`{expected_value}`")),
            Wrong::Minimum { limit } => takes(format!("at least {limit}")),
            Wrong::Maximum { limit } => takes(format!("at most {limit}")),
            Wrong::MinItems { limit } => takes(format!("{limit} or more items")),
            Wrong::MaxItems { limit } => takes(format!("at most {limit} items")),
            Wrong::MinLength { limit } => takes(format!("{limit} or more characters")),
            Wrong::MaxLength { limit } => takes(format!("at most {limit} characters")),
            Wrong::Pattern { pattern } => {
                takes(expected().unwrap_or_else(|| format!("text that matches `{pattern}`")))
            }
            Wrong::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                required(&name, key, schema, origins.key(pointer))
            }
            _ => Diagnostic::error("S002", spot, format!("{name}: {error}")),
        }
    }
}

fn account(value: &Value, name: &str, spot: Span) -> Diagnostic {
    let message = format!("{name} is {}, but takes 12 digits in quotes", found(value));
    let (start, end) = (spot.start, spot.end);
    let finding = Diagnostic::error("S007", spot, message);
    match value.as_u64() {
        Some(number) if number < 1_000_000_000_000 => {
            let text = format!("\"{number:012}\"");
            // Zeros at the start are a guess.
            let safe = number >= 100_000_000_000;
            finding
                .help(format!("write {text}; a number loses zeros at its start"))
                .mend(safe, start, end, text)
        }
        _ => finding.help("an account id has 12 digits, such as \"111122223333\""),
    }
}

fn naming(takes: impl Fn(String) -> Diagnostic, expected: Option<String>) -> Diagnostic {
    let mut finding = takes(expected.unwrap_or_default());
    "N001".clone_into(&mut finding.code);
    finding.help("endpoints, jobs and pipelines are named after it")
}

fn choice(takes: impl Fn(String) -> Diagnostic, options: &Value, value: &Value) -> Diagnostic {
    let options: Vec<&str> = options
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut finding = takes(list(&options));
    if let Some(near) = value.as_str().and_then(|text| nearest(text, &options)) {
        finding.label = Some(format!("did you mean `{near}`?"));
        let (start, end) = (finding.span.start, finding.span.end);
        finding = finding.mend(false, start, end, near);
    }
    finding
}

fn required(name: &str, key: &str, schema: Option<&Value>, place: Span) -> Diagnostic {
    let about = schema
        .and_then(|schema| schema["properties"][key]["description"].as_str())
        .map(|text| text.replace('\n', " "));
    // The first sentence is enough.
    let about = about.as_deref().and_then(|text| text.split(". ").next());
    let finding = Diagnostic::error("S002", place, format!("{name} lacks `{key}`"));
    match about {
        Some(about) => finding.help(format!("`{key}`: {}", about.trim_end_matches('.'))),
        None => finding,
    }
}

/// What a pointer names, for a sentence.
fn subject(pointer: &str) -> String {
    let steps = steps(pointer);
    match steps.as_slice() {
        [] => "the file".to_owned(),
        [.., list, at] if at.bytes().all(|b| b.is_ascii_digit()) => {
            let at = at.parse::<usize>().unwrap_or_default();
            format!("item {} of `{list}`", at.saturating_add(1))
        }
        [.., last] => format!("`{}`", unescape(last)),
    }
}

fn steps(pointer: &str) -> Vec<&str> {
    pointer.split('/').skip(1).collect()
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// A value, for a sentence.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(value) => format!("the boolean `{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.chars().count() > 60 => "a long text".to_owned(),
        Value::String(text) => format!("`{}`", text.escape_debug()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

fn types(kind: &TypeKind) -> String {
    let word = |name: String| match name.as_str() {
        "object" => "a map",
        "array" => "a list",
        "string" => "text (quote it if it is a number)",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        _ => "nothing",
    };
    let words: Vec<_> = match kind {
        TypeKind::Single(one) => vec![word(one.to_string())],
        TypeKind::Multiple(set) => {
            let known = set.iter().map(|one| word(one.to_string()));
            known.filter(|word| *word != "nothing").collect()
        }
    };
    words.join(", or ")
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "no keys".to_owned();
    }
    let shown: Vec<_> = names
        .iter()
        .take(ALLOWED_SHOWN_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    let rest = names.len().saturating_sub(ALLOWED_SHOWN_MAX);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    match shown.as_slice() {
        [all @ .., last] if rest == 0 && !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => shown.join(", ") + &more,
    }
}

/// The name that was probably meant; `InstanceType` is close to `instance_type`.
pub(super) fn nearest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    let snake = snake_case(wrong);
    names
        .iter()
        .take(CANDIDATES_MAX)
        .map(|name| (strsim::jaro_winkler(&snake, name), *name))
        .filter(|(likeness, _)| *likeness > 0.82)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Says which letter of a key is not what it looks like, or cannot be seen.
fn odd_letter(key: &str) -> Option<String> {
    let odd = key.chars().find(|c| !c.is_ascii())?;
    let code = u32::from(odd);
    Some(if odd.is_alphanumeric() {
        format!("`{odd}` is U+{code:04X}, no letter of ASCII, though it may look like one")
    } else {
        format!("there is U+{code:04X} in it, which may not be seen")
    })
}

fn snake_case(text: &str) -> String {
    let mut snake = String::with_capacity(text.len() + 4);
    let mut lower = false;
    for c in text.chars() {
        if c.is_uppercase() && lower {
            snake.push('_');
        }
        lower = c.is_lowercase() || c.is_ascii_digit();
        snake.extend(c.to_lowercase());
    }
    snake.replace('-', "_")
}

fn settle(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if let Some(schema) = schema::at(schema, &[key]) {
                    settle(schema, value);
                }
            }
        }
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            for item in items {
                settle(schema, item);
            }
        }
        Value::Number(number) if takes_integers(schema) => {
            let whole = number
                .as_f64()
                .filter(|float| number.is_f64() && float.fract() == 0.0);
            if let Some(Ok(whole)) = whole.map(|float| format!("{float:.0}").parse::<i64>()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

fn takes_integers(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == "integer"),
        Some(one) => one == "integer",
        None => false,
    }
}

fn known(schema: &Value, value: &Value) -> Value {
    let Value::Object(map) = value else {
        return value.clone();
    };
    let has = |key: &str| match schema.get("properties") {
        Some(properties) => properties.get(key).is_some(),
        None => true,
    };
    let kept = map.iter().filter(|(key, _)| has(key));
    let kept = kept.map(|(key, value)| {
        let inner = schema::at(schema, &[key]).unwrap_or(&Value::Null);
        (key.clone(), known(inner, value))
    });
    Value::Object(kept.collect())
}
