//! A plan for people.

use std::fmt::Write as _;

use super::Paint;
use super::words::{ago, line, many, path, short, span, value};
use crate::clock::Timestamp;
use crate::diagnostic::any_error;
use crate::execute::pass::UnitPass;
use crate::plan::report::{Note, State};
use crate::plan::step::{Action, Effect, Step};
use crate::reconcile::{ModelReport, RepositoryPass};
use crate::resource::desired::Change;
use crate::snapshot::Write;

/// How many of each there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Resources to be made.
    pub create: usize,
    /// Runs to be started.
    pub start: usize,
    /// Resources to be changed.
    pub update: usize,
    /// Resources to be taken away.
    pub delete: usize,
    /// Facts to be noted in tags.
    pub mark: usize,
    /// Commits to be made.
    pub commits: usize,
}

impl Counts {
    /// What a pass would do.
    pub fn of(pass: &RepositoryPass) -> Self {
        let mut counts = Self::default();
        for (_, unit) in pass.units() {
            for step in &unit.plan.steps {
                *match step.action {
                    Action::Create => &mut counts.create,
                    Action::Start => &mut counts.start,
                    Action::Update => &mut counts.update,
                    Action::Delete => &mut counts.delete,
                    Action::Mark => &mut counts.mark,
                } += 1;
            }
        }
        counts.commits = writes(pass).count();
        counts
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn sentence(&self) -> String {
        let parts = [
            (self.create, "to create"),
            (self.start, "to run"),
            (self.update, "to change"),
            (self.delete, "to delete"),
            (self.mark, "to note"),
        ];
        let mut said: Vec<_> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if self.commits > 0 {
            said.push(format!("{} to make", many(self.commits, "commit")));
        }
        format!("Plan: {}.", said.join(", "))
    }
}

/// The commits that a pass would make.
pub fn writes(pass: &RepositoryPass) -> impl Iterator<Item = &Write> {
    let passes = pass.models.iter().filter_map(|model| model.pass.as_ref());
    passes.flat_map(|pass| &pass.writes)
}

/// Every unit with its steps and notes, then one line that counts. `now` is what waits are
/// measured by.
pub fn plan(pass: &RepositoryPass, now: Timestamp, paint: Paint) -> String {
    let mut text = format!("{} at {}\n", line(&pass.branch), pass.commit.short());
    for model in &pass.models {
        match &model.pass {
            None => text.push_str(&without_pass(model, paint)),
            Some(pass) => {
                for one in &pass.units {
                    text.push_str(&unit(one, now, paint));
                }
                for write in &pass.writes {
                    text.push_str(&commit(write, paint));
                }
            }
        }
    }
    let counts = Counts::of(pass);
    let last = match (counts.is_empty(), is_whole(pass)) {
        (true, true) => "No changes.".to_owned(),
        (true, false) => INCOMPLETE.to_owned(),
        (false, true) => counts.sentence(),
        (false, false) => format!("{} {INCOMPLETE}", counts.sentence()),
    };
    text + "\n" + &last + "\n"
}

const INCOMPLETE: &str = "Not everything could be planned: see above.";

/// Whether everything could be read, in Git and in AWS.
pub fn is_whole(pass: &RepositoryPass) -> bool {
    !any_error(&pass.diagnostics)
        && pass.models.iter().all(|model| model.pass.is_some())
        && pass.units().all(|(_, unit)| unit.state() != State::Unknown)
}

fn without_pass(model: &ModelReport, paint: Paint) -> String {
    let why = match &model.defect {
        Some(defect) => line(defect),
        None => "its files do not allow a plan".to_owned(),
    };
    let head = paint.bold(&line(&model.name));
    format!("\n{head}  {}\n  {why}\n", paint.state(model.state()))
}

fn unit(unit: &UnitPass, now: Timestamp, paint: Paint) -> String {
    let head = paint.bold(&line(&unit.plan.unit.to_string()));
    let scope = paint.dim(&unit.plan.scope.to_string());
    let mut text = format!("\n{head}  {scope}  {}\n", paint.state(unit.state()));
    for one in &unit.plan.steps {
        text.push_str(&step(one, paint));
    }
    // That there are steps has just been seen.
    let notes = unit.report.notes.iter();
    for group in grouped(notes.filter(|note| note.state != State::Changing)) {
        text.push_str(&note(&group, now, paint));
    }
    text
}

fn step(step: &Step, paint: Paint) -> String {
    let effect = match step.effect {
        Effect::None => String::new(),
        Effect::Live => format!("  {}", paint.dim("live")),
        Effect::Roll => format!("  {}", paint.bold("roll")),
        Effect::Rollback => format!("  {}", paint.bold("rollback")),
        Effect::Run => format!("  {}", paint.bold("run")),
        Effect::Recreate => format!("  {}", paint.bold("recreate")),
        Effect::Destroy => format!("  {}", paint.bold("destroy")),
    };
    let sign = paint.sign(step);
    let mut text = format!("  {sign} {} {}{effect}\n", step.kind.name, line(&step.name));
    for one in &step.changes {
        writeln!(text, "      {}", change(one)).expect("a string takes everything");
    }
    let mut reason = line(&step.reason.text);
    write!(reason, " ({}", short(&step.reason.commit)).expect("a string takes everything");
    if let Some(origin) = &step.reason.origin {
        write!(reason, ", {}:{}", line(&origin.file), origin.line)
            .expect("a string takes everything");
    }
    reason.push(')');
    writeln!(text, "      {}", paint.dim(&reason)).expect("a string takes everything");
    text
}

fn change(change: &Change) -> String {
    let from = change
        .from
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), value);
    format!("{}: {from} → {}", path(&change.path), value(&change.to))
}

/// Subjects of one note that are named.
const SUBJECTS_MAX: usize = 3;

/// Notes that differ in their subjects only, such as those of a service that does not answer.
fn grouped<'a>(notes: impl Iterator<Item = &'a Note>) -> Vec<Vec<&'a Note>> {
    let mut groups: Vec<Vec<&Note>> = Vec::new();
    for note in notes {
        let same = |group: &&mut Vec<&Note>| {
            let first = group[0];
            let of = |note: &Note| (note.state, note.since, note.deadline);
            of(first) == of(note) && first.message == note.message
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(note),
            None => groups.push(vec![note]),
        }
    }
    groups
}

/// One line: the state, about what, in words, since when, until when.
fn note(group: &[&Note], now: Timestamp, paint: Paint) -> String {
    let note = group[0];
    let mut subjects: Vec<_> = group.iter().map(|one| line(&one.subject)).collect();
    subjects.dedup();
    let more = subjects.len().saturating_sub(SUBJECTS_MAX);
    subjects.truncate(SUBJECTS_MAX);
    let mut subject = subjects.join(", ");
    if more > 0 {
        write!(subject, " and {more} more").expect("a string takes everything");
    }
    // Where there is no release the state says it all.
    let mut text = match note.state {
        State::Empty => format!("  {}", paint.as_state(note.state, &line(&note.message))),
        state => format!(
            "  {} {subject}: {}",
            paint.as_state(state, &format!("{}:", state.word())),
            line(&note.message),
        ),
    };
    let mut times = Vec::new();
    if let Some(since) = note.since {
        times.push(format!("since {}", ago(since, now)));
    }
    if let Some(deadline) = note.deadline {
        times.push(if deadline < now {
            format!("late by {}", span(now.duration_since(deadline)))
        } else {
            format!("deadline in {}", span(deadline.duration_since(now)))
        });
    }
    if !times.is_empty() {
        write!(text, ", {}", times.join(", ")).expect("a string takes everything");
    }
    text.push('\n');
    text
}

fn commit(write: &Write, paint: Paint) -> String {
    let head = paint.bold(&format!("commit to {}", line(&write.branch)));
    let mut text = format!("\n{head}\n  {}\n", line(&write.reason));
    for file in write.files.keys() {
        writeln!(text, "      {}", line(file)).expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;

    fn check(pass: &RepositoryPass, expect: &str) {
        let shown = plan(pass, sample::now(), Paint::PLAIN);
        assert_eq!(shown, expect, "{shown}");
        assert!(plan(pass, sample::now(), Paint::new(true)).contains('\u{1b}'));
    }

    #[test]
    fn every_step_says_what_it_changes_what_that_means_and_why() {
        check(
            &sample::changing(),
            "\
main at 1a2b3c4d

churn/home  111122223333/eu-west-1  changing
  + PipelineExecution 0123abcd  run
      the commit asks for it: it does not exist (1a2b3c4d, models/churn/config.yaml:12)

churn/staging  111122223333/eu-west-1  changing
  + EndpointConfig churn-staging-4f1c09ab2e
      the commit asks for it: it does not exist (1a2b3c4d, models/churn/config.yaml:12)
  ~ Endpoint churn-staging  roll
      EndpointConfigName: churn-staging-0aa0bb0cc0 → churn-staging-4f1c09ab2e
      the commit asks for it: it does not exist (1a2b3c4d, models/churn/config.yaml:12)

churn/production  111122223333/eu-west-1  waiting
  -/+ Endpoint churn-staging  recreate
      the commit asks for it: it does not exist (1a2b3c4d, models/churn/config.yaml:12)
  waiting: Endpoint churn-staging: it is Updating, since 4m ago, deadline in 56m

commit to main
  release(churn): staging serves version 3
      models/churn/releases/staging.yaml

Plan: 1 to create, 1 to run, 1 to change, 1 to delete, 1 commit to make.
",
        );
    }

    #[test]
    fn nothing_to_do_is_said_and_so_is_what_cannot_be_planned() {
        check(
            &sample::quiet(),
            "\
main at 1a2b3c4d

churn/home  111122223333/eu-west-1  in sync

churn/staging  111122223333/eu-west-1  in sync

No changes.
",
        );
        check(
            &sample::broken(),
            "\
main at 1a2b3c4d

churn  blocked
  its files do not allow a plan

Not everything could be planned: see above.
",
        );
    }

    #[test]
    fn a_service_that_does_not_answer_is_no_plan_and_one_line() {
        let mut pass = sample::noted(&[State::Unknown, State::Unknown, State::Empty]);
        let notes = &mut pass.models[0].pass.as_mut().unwrap().units[0].report.notes;
        notes[1].subject = "Model churn".to_owned();
        notes[2].message = "no release yet".to_owned();
        check(
            &pass,
            "\
main at 1a2b3c4d

churn/staging  111122223333/eu-west-1  unknown
  unknown: Endpoint churn-staging, Model churn: it is Updating, since 4m ago, deadline in 56m
  no release yet, since 4m ago, deadline in 56m

Not everything could be planned: see above.
",
        );
    }

    #[test]
    fn a_late_wait_says_how_late_and_hostile_text_does_no_harm() {
        let mut pass = sample::noted(&[State::Waiting]);
        let unit = &mut pass.models[0].pass.as_mut().unwrap().units[0];
        unit.report.notes[0].message = "evil\u{1b}[2J\nline".to_owned();
        let later = sample::now() + std::time::Duration::from_hours(2);
        let shown = plan(&pass, later, Paint::PLAIN);
        let line = "  waiting: Endpoint churn-staging: evil\\u{1b}[2J line, since 2h 4m ago, late by 1h 4m\n";
        assert!(shown.contains(line), "{shown}");
    }
}
