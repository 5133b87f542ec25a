//! What changed from one pass to the next: a quiet pass is no news.

use std::collections::BTreeMap;

use super::words::line;
use crate::diagnostic::Diagnostic;
use crate::execute::pass::UnitPass;
use crate::execute::steps::End;
use crate::plan::report::State;
use crate::plan::step::Action;
use crate::reconcile::{ModelReport, RepositoryPass};
use crate::resource::unit::Unit;

/// One thing worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// About what: `churn/production`, or a model or branch.
    pub about: String,
    /// In words.
    pub text: String,
    /// Whether somebody should look.
    pub bad: bool,
}

/// What was told already.
#[derive(Debug, Clone, Default)]
pub struct Told {
    states: BTreeMap<Unit, State>,
    /// The last complaint about something; told again only when it changes.
    complaints: BTreeMap<String, String>,
}

impl Told {
    /// The news of a pass, in the order in which it came about.
    pub fn news(&mut self, pass: &RepositoryPass) -> Vec<News> {
        let mut news = Vec::new();
        self.complain("trueup.yaml", findings(&pass.diagnostics), &mut news);
        for model in &pass.models {
            self.model(model, &mut news);
        }
        for write in &pass.writes {
            let about = &write.branch;
            let key = format!("write {about}");
            match &write.commit {
                Some(commit) => {
                    self.complaints.remove(&key);
                    let text = format!("commit {}: {}", commit.short(), write.reason);
                    news.push(tell(about, text, false));
                }
                None => {
                    let error = write.error.as_deref().unwrap_or("it was not made");
                    let text = format!("no commit ({}): {error}", write.reason);
                    self.complain_as(&key, about, Some(text), &mut news);
                }
            }
        }
        news
    }

    fn model(&mut self, model: &ModelReport, news: &mut Vec<News>) {
        self.complain(&model.name, findings(&model.diagnostics), news);
        let key = format!("defect {}", model.folder);
        self.complain_as(&key, &model.name, model.defect.clone(), news);
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
                End::Done => news.push(tell(&about, what, false)),
                End::Skipped(why) => failed = Some(format!("{what} was left for later: {why}")),
                End::Failed(error) => failed = Some(format!("{what} failed: {error}")),
            }
        }
        self.complain_as(&format!("step {about}"), &about, failed, news);
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
        if let Some(note) = worst {
            text = format!("{text}: {}: {}", note.subject, note.message);
        }
        news.push(tell(&name.to_string(), text, state >= State::Blocked));
    }

    fn complain(&mut self, about: &str, complaint: Option<String>, news: &mut Vec<News>) {
        self.complain_as(&format!("files {about}"), about, complaint, news);
    }

    fn complain_as(
        &mut self,
        key: &str,
        about: &str,
        complaint: Option<String>,
        news: &mut Vec<News>,
    ) {
        let Some(text) = complaint else {
            self.complaints.remove(key);
            return;
        };
        if self.complaints.get(key) != Some(&text) {
            news.push(tell(about, text.clone(), true));
            self.complaints.insert(key.to_owned(), text);
        }
    }
}

fn tell(about: &str, text: String, bad: bool) -> News {
    News {
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
    Some(format!("{}: {} at {place}{more}", first.code, first.message))
}
