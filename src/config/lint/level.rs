//! How bad a finding is: by its rule, by the mode of the environment that it is about, and by what
//! trueup.yaml makes of the rule.

use super::{RULES, Rule, rule};
use crate::config::document::{Origins, join};
use crate::config::installation::Installation;
use crate::config::model::EnvironmentMode;
use crate::config::settings::{LintSettings, Wanted};
use crate::config::shape::nearest;
use crate::diagnostic::{Diagnostic, Severity};

/// How bad a violation of a rule is, where nobody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// In environments for trying; `None`: it is not told.
    pub development: Option<Severity>,
    /// In environments for users.
    pub production: Option<Severity>,
    /// Whether it is about what cannot work. Nothing makes such a finding less than an error, and
    /// nothing ignores it: the service, or trueup, would refuse the model all the same.
    pub firm: bool,
}

impl Level {
    /// What cannot work.
    pub(super) const REFUSED: Self = Self {
        firm: true,
        ..Self::ERROR
    };
    /// What is wrong, as far as the rule can see.
    pub(super) const ERROR: Self = Self::by_mode(Some(Severity::Error), Some(Severity::Error));
    /// What is probably wrong.
    pub(super) const WARNING: Self =
        Self::by_mode(Some(Severity::Warning), Some(Severity::Warning));
    /// What is worth knowing.
    pub(super) const INFO: Self = Self::by_mode(Some(Severity::Info), Some(Severity::Info));
    /// What is fine for trying, and probably wrong for users.
    pub(super) const PRODUCTION: Self = Self::by_mode(None, Some(Severity::Warning));
    /// What is worth knowing for trying, and probably wrong for users.
    pub(super) const STRICTER: Self = Self::by_mode(Some(Severity::Info), Some(Severity::Warning));
    /// What is probably wrong for trying, and wrong for users.
    pub(super) const STRICTEST: Self =
        Self::by_mode(Some(Severity::Warning), Some(Severity::Error));

    const fn by_mode(development: Option<Severity>, production: Option<Severity>) -> Self {
        Self {
            development,
            production,
            firm: false,
        }
    }

    /// For an environment of this mode.
    pub fn of(self, mode: EnvironmentMode) -> Option<Severity> {
        match mode {
            EnvironmentMode::Development => self.development,
            EnvironmentMode::Production => self.production,
        }
    }

    /// For people: one word, or one for each mode.
    pub fn words(self) -> String {
        let word = |severity: Option<Severity>| severity.map_or("off", Severity::word);
        let (development, production) = (word(self.development), word(self.production));
        if development == production {
            return development.to_owned();
        }
        format!("{development} in development, {production} in production")
    }
}

/// How bad a violation of `rule` is in an environment of `mode`, by the rule and by trueup.yaml;
/// `None`: it is not told.
pub(super) fn severity(
    rule: &Rule,
    mode: EnvironmentMode,
    installation: Option<&Installation>,
) -> Option<Severity> {
    let settings: Option<&LintSettings> = installation.map(|one| &one.lint);
    let set = settings.and_then(|settings| settings.rules.get(rule.code));
    let wanted = set
        .filter(|_| !rule.level.firm)
        .and_then(|set| set.of(mode));
    wanted.map_or_else(|| rule.level.of(mode), Wanted::severity)
}

/// A setting for nothing.
pub(super) const G009: Rule = Rule {
    code: "G009",
    title: "a setting of the linter that does nothing",
    level: Level::WARNING,
    page: page!("G009"),
    // See `idle`.
    check: None,
};

/// What in `lint` of trueup.yaml does nothing. `origins` are the file's.
pub(in crate::config) fn idle(settings: &LintSettings, origins: &Origins) -> Vec<Diagnostic> {
    let codes = settings.rules.keys();
    let rules = codes.map(|code| (code, join("/lint/rules", code)));
    let list = settings.not_ignorable.iter().enumerate();
    let list = list.map(|(at, code)| (code, format!("/lint/not_ignorable/{at}")));
    let judge = |(code, pointer): (&String, String)| {
        let (message, near) = match rule(code) {
            Some(rule) if !rule.level.firm => return None,
            Some(_) => (
                format!("{code} finds what cannot work, and stays an error"),
                None,
            ),
            None => {
                let codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
                (format!("there is no rule `{code}`"), nearest(code, &codes))
            }
        };
        let mut finding = G009.at(origins.key(&pointer), message);
        finding.severity = Severity::Warning;
        finding.label = near.map(|near| format!("did you mean `{near}`?"));
        Some(finding)
    };
    rules.chain(list).filter_map(judge).collect()
}
