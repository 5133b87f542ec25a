//! What changed from one pass to the next: a quiet pass is no news.

use std::collections::BTreeMap;

use super::words::line;
use crate::diagnostic::Diagnostic;
use crate::execute::pass::UnitPass;
use crate::execute::steps::End;
use crate::plan::report::State;
use crate::plan::step::Action;
use crate::reconcile::{HELD, ModelReport, RepositoryPass, UNREADABLE};
use crate::resource::unit::Unit;

/// One thing worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// About what: `churn/production`, or a model or branch.
    pub about: String,
    /// What lines like it are counted by: a state, or another word for what happened.
    pub kind: &'static str,
    /// In words.
    pub text: String,
    /// Whether somebody should look.
    pub bad: bool,
}

/// Files that are not sound.
const FILES: &str = "findings";

/// What was told already.
#[derive(Debug, Clone, Default)]
pub struct Told {
    states: BTreeMap<Unit, State>,
    /// The last complaint about something; told again only when it changes.
    complaints: BTreeMap<(&'static str, String), String>,
    /// Why nothing is changed here: somebody else does.
    waits: Option<String>,
}

impl Told {
    /// The news of a pass, in the order in which it came about.
    pub fn news(&mut self, pass: &RepositoryPass) -> Vec<News> {
        let mut news = Vec::new();
        let found = findings(&pass.diagnostics);
        self.complain(FILES, ["trueup.yaml"; 2], found, &mut news);
        self.lease(pass, &mut news);
        for model in &pass.models {
            self.model(model, &mut news);
        }
        for write in &pass.writes {
            let about = &write.branch;
            let mut failed = None;
            if let Some(commit) = &write.commit {
                let text = format!("commit {}: {}", commit.short(), write.reason);
                news.push(tell("commit", about, text, false));
            } else {
                let error = write.error.as_deref().unwrap_or("it was not made");
                failed = Some(format!("no commit ({}): {error}", write.reason));
            }
            self.complain("no commit", [about; 2], failed, &mut news);
        }
        news
    }

    /// Who changes things here, where that changes.
    fn lease(&mut self, pass: &RepositoryPass, news: &mut Vec<News>) {
        let held = pass.diagnostics.iter().find(|one| one.code == HELD);
        let held = held.map(|one| one.message.clone());
        let readable = pass.diagnostics.iter().all(|one| one.code != UNREADABLE);
        if self.waits != held && (held.is_some() || readable) {
            let text = held.as_deref().unwrap_or("the lease is held here now");
            news.push(tell("lease", "lease", text.to_owned(), false));
        }
        self.waits = held;
    }

    fn model(&mut self, model: &ModelReport, news: &mut Vec<News>) {
        // Two folders may claim one name.
        let about = [model.folder.as_str(), &model.name];
        self.complain(FILES, about, findings(&model.diagnostics), news);
        self.complain("broken", about, model.defect.clone(), news);
        for unit in model.pass.iter().flat_map(|pass| &pass.units) {
            self.steps(unit, news);
            self.state(unit, news);
        }
    }

    fn steps(&mut self, unit: &UnitPass, news: &mut Vec<News>) {
        let about = unit.plan.unit.to_string();
        let results = unit.outcome.iter().flat_map(|outcome| &outcome.results);
        let mut failed = None;
        for result in results {
            let what = format!("{} {}", result.action.sign(), result.subject);
            match &result.end {
                End::Done if result.action == Action::Mark => {}
                End::Done => news.push(tell("changed", &about, what, false)),
                End::Skipped(why) | End::Unleased(why) => {
                    failed = Some(format!("{what} was left for later: {why}"));
                }
                End::Blocked(why) => failed = Some(format!("{what} was not taken: {why}")),
                End::Failed(error) => failed = Some(format!("{what} failed: {error}")),
            }
        }
        self.complain("not changed", [&about; 2], failed, news);
    }

    fn state(&mut self, unit: &UnitPass, news: &mut Vec<News>) {
        let (state, name) = (unit.state(), &unit.plan.unit);
        let before = self.states.insert(name.clone(), state);
        let acts = state == State::Changing && unit.outcome.is_some();
        if before == Some(state) || acts {
            return;
        }
        let mut text = state.word().to_owned();
        let worst = unit.report.notes.iter().find(|note| note.state == state);
        if let Some(note) = worst.filter(|note| note.state != State::Empty) {
            text = format!("{text}: {}: {}", note.subject, note.message);
        }
        let bad = state >= State::Blocked;
        news.push(tell(state.word(), &name.to_string(), text, bad));
    }

    /// Tells a complaint where it is another than before. `key` names for certain what it is about.
    fn complain(
        &mut self,
        kind: &'static str,
        [key, about]: [&str; 2],
        complaint: Option<String>,
        news: &mut Vec<News>,
    ) {
        let key = (kind, key.to_owned());
        let Some(text) = complaint else {
            self.complaints.remove(&key);
            return;
        };
        if self.complaints.get(&key) != Some(&text) {
            news.push(tell(kind, about, text.clone(), true));
            self.complaints.insert(key, text);
        }
    }
}

fn tell(kind: &'static str, about: &str, text: String, bad: bool) -> News {
    News {
        kind,
        about: line(about),
        text: line(&text),
        bad,
    }
}

/// The first error of a file, and how many more there are.
fn findings(all: &[Diagnostic]) -> Option<String> {
    let mut errors = all
        .iter()
        .filter(|one| one.severity == crate::diagnostic::Severity::Error);
    let first = errors.next()?;
    let more = match errors.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let place = format!("{}:{}", first.span.file, first.span.line);
    Some(format!(
        "{}: {} at {place}{more}",
        first.code, first.message
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;
    use crate::reconcile::WriteReport;
    use crate::resource::error::Class;

    fn check(told: &mut Told, pass: &RepositoryPass, expect: &[&str]) {
        let news = told.news(pass);
        let lines: Vec<_> = news
            .iter()
            .map(|one| format!("{}: {}", one.about, one.text))
            .collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn a_quiet_pass_is_no_news() {
        let mut told = Told::default();
        check(
            &mut told,
            &sample::quiet(),
            &["churn/home: in sync", "churn/staging: in sync"],
        );
        check(&mut told, &sample::quiet(), &[]);
        let waiting = "churn/staging: waiting: Endpoint churn-staging: it is Updating";
        check(&mut told, &sample::noted(&[State::Waiting]), &[waiting]);
        check(&mut told, &sample::noted(&[State::Waiting]), &[]);
        check(&mut told, &sample::quiet(), &["churn/staging: in sync"]);
    }

    #[test]
    fn who_holds_the_lease_is_news_where_that_changes_and_no_complaint() {
        let finding = |code: &str, severity| {
            let mut pass = sample::pass(Vec::new());
            let span = crate::config::yaml::first_byte("trueup.yaml");
            let mut finding = Diagnostic::error(code, span, format!("words of {code}"));
            finding.severity = severity;
            pass.diagnostics.push(finding);
            pass
        };
        let held = finding(HELD, crate::diagnostic::Severity::Warning);
        let unreadable = finding(UNREADABLE, crate::diagnostic::Severity::Error);
        let mut told = Told::default();
        assert!(!told.clone().news(&held)[0].bad);
        check(&mut told, &held, &["lease: words of O003"]);
        check(&mut told, &held, &[]);
        let free = sample::pass(Vec::new());
        check(&mut told, &free, &["lease: the lease is held here now"]);
        check(&mut told, &free, &[]);
        assert!(told.news(&unreadable)[0].bad);
        check(&mut told, &free, &[]);
    }

    #[test]
    fn steps_are_news_and_a_refusal_is_told_once() {
        let mut told = Told::default();
        let done = "churn/staging: ~ Endpoint churn-staging";
        check(&mut told, &sample::applied(None), &[done]);
        check(&mut told, &sample::applied(None), &[done]);
        let failed = format!("{done} failed: UpdateEndpoint failed: Code: words");
        let degraded =
            "churn/staging: degraded: Endpoint churn-staging: UpdateEndpoint failed: Code: words";
        let refused = sample::applied(Some(Class::Denied));
        check(&mut told, &refused, &[&failed, degraded]);
        check(&mut told, &refused, &[]);
    }

    #[test]
    fn broken_files_and_commits_are_told_until_they_change() {
        let mut told = Told::default();
        let broken = "churn: S001: unknown key `nmae` at models/churn/config.yaml:3";
        check(&mut told, &sample::broken(), &[broken]);
        check(&mut told, &sample::broken(), &[]);
        let mut pass = sample::noted(&[State::InSync]);
        let write = WriteReport {
            branch: "main".to_owned(),
            reason: "release(churn): staging serves version 3".to_owned(),
            commit: Some(pass.commit.clone()),
            error: None,
        };
        pass.writes = vec![write.clone()];
        let made = "main: commit 1a2b3c4d: release(churn): staging serves version 3";
        check(
            &mut told,
            &pass,
            &[
                "churn/staging: in sync: Endpoint churn-staging: it is Updating",
                made,
            ],
        );
        pass.writes = vec![WriteReport {
            commit: None,
            error: Some("refused".to_owned()),
            ..write
        }];
        let not = "main: no commit (release(churn): staging serves version 3): refused";
        check(&mut told, &pass, &[not]);
        check(&mut told, &pass, &[]);
        check(&mut told, &sample::broken(), &[broken]);
    }
}
