//! Why a model is as it is: one paragraph a unit.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Paint;
use super::words::{ago, instant, line, many, short, span};
use crate::clock::Timestamp;
use crate::execute::pass::UnitPass;
use crate::plan::report::Note;
use crate::plan::step::Step;
use crate::reconcile::RepositoryPass;

/// The paragraphs. `now` is what waits and the age of the evidence are measured by.
pub fn text(pass: &RepositoryPass, now: Timestamp, paint: Paint) -> String {
    let mut text = String::new();
    for model in &pass.models {
        let Some(passed) = &model.pass else {
            let why = model.defect.as_deref();
            let why = line(why.unwrap_or("its files do not allow a plan"));
            let head = paint.bold(&line(&model.name));
            write!(text, "{head}: {}\n  {why}\n", paint.state(model.state()))
                .expect("a string takes everything");
            continue;
        };
        for unit in &passed.units {
            paragraph(&mut text, unit, now, paint);
        }
        for write in &passed.writes {
            writeln!(
                text,
                "commit to {}: {}",
                line(&write.branch),
                line(&write.reason)
            )
            .expect("a string takes everything");
        }
    }
    text
}

fn paragraph(text: &mut String, unit: &UnitPass, now: Timestamp, paint: Paint) {
    let head = paint.bold(&line(&unit.plan.unit.to_string()));
    let since = unit.converged_since.map_or_else(String::new, |since| {
        format!(", converged since {}", ago(since, now))
    });
    let seen = unit.report.observed_at.map_or_else(
        || "not observed".to_owned(),
        |at| format!("observed {}", ago(at, now)),
    );
    let state = paint.state(unit.state());
    writeln!(text, "{head}: {state}{since}; {seen}").expect("a string takes everything");
    for note in &unit.report.notes {
        said(text, note, now, paint);
    }
    for one in &unit.plan.steps {
        writeln!(text, "  {}", step(one, paint)).expect("a string takes everything");
    }
}

fn said(text: &mut String, note: &Note, now: Timestamp, paint: Paint) {
    let name = paint.as_state(note.state, &note.reason.name());
    let mut times = String::new();
    if let Some(since) = note.since {
        write!(
            times,
            ", since {} ({} ago)",
            instant(since),
            span(now.duration_since(since))
        )
        .expect("a string takes everything");
    }
    if let Some(deadline) = note.deadline {
        write!(times, ", until {}", instant(deadline)).expect("a string takes everything");
    }
    let page = note.reason.page();
    writeln!(
        text,
        "  {name}: {}: {}{times}\n    {}",
        line(&note.subject),
        line(&note.message),
        paint.dim(page.person),
    )
    .expect("a string takes everything");
}

fn step(step: &Step, paint: Paint) -> String {
    let mut text = format!(
        "{} {} {} by {}: {}",
        paint.sign(step),
        step.kind.name,
        line(&step.name),
        step.call.op,
        line(&step.reason.text)
    );
    if !step.changes.is_empty() {
        write!(text, ", {}", many(step.changes.len(), "change"))
            .expect("a string takes everything");
    }
    match &step.reason.origin {
        Some(origin) => write!(text, " ({}:{})", line(&origin.file), origin.line),
        None => write!(text, " ({})", short(&step.reason.commit)),
    }
    .expect("a string takes everything");
    text
}

/// The same for programs: `trueup/why.v1`.
pub fn json(pass: &RepositoryPass, source: &str) -> Value {
    let units = pass.units().map(|(_, unit)| unit_json(unit));
    let broken = pass.models.iter().filter(|model| model.pass.is_none());
    json!({
        "schema": "trueup/why.v1",
        "source": source,
        "branch": pass.branch,
        "commit": pass.commit.to_string(),
        "at": instant(pass.at),
        "units": units.collect::<Value>(),
        "not_planned": broken.map(|model| json!({
            "model": model.name,
            "state": model.state(),
            "defect": model.defect,
        })).collect::<Value>(),
    })
}

fn unit_json(unit: &UnitPass) -> Value {
    let notes = unit.report.notes.iter().map(|note| {
        let page = note.reason.page();
        json!({
            "reason": note.reason,
            "state": note.state,
            "subject": note.subject,
            "message": note.message,
            "since": note.since.map(instant),
            "deadline": note.deadline.map(instant),
            "title": page.title,
            "next": page.person,
        })
    });
    let mut document = unit.plan.json();
    document["state"] = json!(unit.state());
    document["converged_since"] = json!(unit.converged_since.map(instant));
    document["observed_at"] = json!(unit.report.observed_at.map(instant));
    document["notes"] = notes.collect();
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;

    #[test]
    fn every_unit_says_what_why_until_when_and_what_to_do() {
        let shown = text(&sample::changing(), sample::now(), Paint::PLAIN);
        for words in [
            "churn/staging: changing; observed 3s ago\n",
            "  StepsPlanned: plan: 1 step\n    Read them with `trueup plan`",
            "  ~ Endpoint churn-staging by UpdateEndpoint: the commit asks for it: it does not \
             exist, 1 change (models/churn/config.yaml:12)\n",
            "Endpoint churn-staging: it is Updating, since 2026-11-22T09:56:00Z (4m ago), until \
             2026-11-22T10:56:00Z\n",
            "commit to main: release(churn): staging serves version 3\n",
        ] {
            assert!(shown.contains(words), "no {words:?} in\n{shown}");
        }
        let shown = text(&sample::quiet(), sample::now(), Paint::PLAIN);
        assert!(
            shown.starts_with("churn/home: in sync, converged since 2h ago; observed 3s ago\n")
        );
        let shown = text(&sample::broken(), sample::now(), Paint::PLAIN);
        assert_eq!(shown, "churn: blocked\n  its files do not allow a plan\n");
    }

    #[test]
    fn programs_are_told_the_reason() {
        let document = json(&sample::changing(), "x");
        assert_eq!(document["schema"], "trueup/why.v1");
        let note = &document["units"][0]["notes"][0];
        assert_eq!(
            (&note["reason"], &note["state"]),
            (&json!("StepsPlanned"), &json!("changing"))
        );
        assert_eq!(
            document["units"][2]["notes"][0]["deadline"],
            "2026-11-22T10:56:00Z"
        );
    }
}
