//! The state of everything, one line a unit.

use super::Paint;
use super::words::{ago, instant, line, short, span, table};
use crate::clock::Timestamp;
use crate::execute::pass::UnitPass;
use crate::plan::cause::Cause;
use crate::plan::report::{Note, State};
use crate::reconcile::{ModelReport, RepositoryPass};

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The model.
    pub model: String,
    /// The environment, or home; empty where the model has no units.
    pub place: String,
    /// The state.
    pub state: State,
    /// The package that the commit names: its ARN.
    pub package: Option<String>,
    /// The commit that the package was trained from.
    pub commit: Option<String>,
    /// Whether the package was seen to be served.
    pub served: bool,
    /// Since when the state holds, where that is known.
    pub since: Option<Timestamp>,
    /// Which of all reasons that is.
    pub reason: Option<Cause>,
    /// The worst that was found; nothing where all is well.
    pub why: Option<String>,
    /// When AWS was looked at.
    pub observed_at: Option<Timestamp>,
}

/// The lines of a pass.
pub fn rows(pass: &RepositoryPass) -> Vec<Row> {
    let mut rows = Vec::new();
    for model in &pass.models {
        match &model.pass {
            Some(pass) => rows.extend(pass.units.iter().map(|unit| row(model, unit))),
            None => rows.push(without_pass(model)),
        }
    }
    rows
}

/// Whether a state is what the commit asks for: it runs, or there is nothing to run.
pub fn is_in_sync(state: State) -> bool {
    matches!(state, State::InSync | State::Empty)
}

fn without_pass(model: &ModelReport) -> Row {
    let why = match &model.defect {
        Some(defect) => defect.clone(),
        None => "its files do not allow a plan".to_owned(),
    };
    Row {
        model: model.name.clone(),
        place: String::new(),
        state: model.state(),
        package: None,
        commit: None,
        served: false,
        since: None,
        reason: None,
        why: Some(why),
        observed_at: None,
    }
}

fn row(model: &ModelReport, unit: &UnitPass) -> Row {
    let state = unit.state();
    let worst = unit.report.notes.iter().filter(|note| note.state == state);
    let worst: Vec<_> = worst.collect();
    let release = model.releases.get(&unit.plan.unit.place);
    let package = release.and_then(|release| release.main());
    let trained = unit.candidate.as_ref().filter(|_| unit.plan.unit.is_home());
    let made = trained.and_then(|candidate| candidate.released().ok());
    Row {
        model: unit.plan.unit.model.clone(),
        place: unit.plan.unit.place.clone(),
        state,
        package: package
            .map(|package| package.arn.clone())
            .or_else(|| trained.map(|candidate| candidate.arn.clone())),
        commit: package
            .map(|package| package.commit.clone())
            .or_else(|| made.map(|made| made.commit)),
        served: package.is_some() && unit.converged_since.is_some(),
        since: match state {
            State::InSync => unit.converged_since,
            _ => worst.iter().find_map(|note| note.since),
        },
        reason: worst.first().map(|note| note.reason),
        why: why(&worst),
        observed_at: unit.report.observed_at,
    }
}

fn why(worst: &[&Note]) -> Option<String> {
    let first = worst.first()?;
    let more = match worst.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(match first.state {
        // `plan: 3 steps` and `release production: …` say what they are about themselves.
        State::Changing | State::Empty => format!("{}{more}", first.message),
        _ => format!("{}: {}{more}", first.subject, first.message),
    })
}

/// `churn/3` of a package's ARN.
pub fn version(arn: &str) -> &str {
    arn.split_once(":model-package/")
        .map_or(arn, |(_, version)| version)
}

/// The lines as a table, with the commit above it and the age of the evidence.
pub fn status(pass: &RepositoryPass, now: Timestamp, paint: Paint) -> String {
    let rows = rows(pass);
    let oldest = rows.iter().filter_map(|row| row.observed_at).min();
    let seen = oldest.map_or_else(
        || "not observed".to_owned(),
        |at| format!("observed {}", ago(at, now)),
    );
    let head = format!(
        "{} at {}, {seen}\n",
        line(&pass.branch),
        pass.commit.short()
    );
    if rows.is_empty() {
        return head + "no models\n";
    }
    let titles = [
        "MODEL",
        "ENVIRONMENT",
        "STATE",
        "PACKAGE",
        "COMMIT",
        "SINCE",
        "WHY",
    ];
    let mut cells = vec![titles.map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|row| row.cells(now)));
    let painted = table(&cells, |at, column, cell| match (at, column) {
        (0, _) => paint.dim(cell),
        (at, 2) => paint.as_state(rows[at - 1].state, cell),
        _ => cell.to_owned(),
    });
    head + &painted
}

impl Row {
    fn cells(&self, now: Timestamp) -> Vec<String> {
        let package = self.package.as_deref().map(version).map(line);
        let is_wanted =
            !self.served && !self.place.is_empty() && self.place != crate::resource::unit::HOME;
        vec![
            line(&self.model),
            line(&self.place),
            self.state.word().to_owned(),
            match package {
                Some(package) if is_wanted => format!("{package} wanted"),
                Some(package) => package,
                None => "-".to_owned(),
            },
            self.commit
                .as_deref()
                .map_or_else(|| "-".to_owned(), |commit| line(short(commit))),
            self.since
                .map_or_else(|| "-".to_owned(), |since| span(now.duration_since(since))),
            self.why.as_deref().map(line).unwrap_or_default(),
        ]
    }

    /// The line as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "model": self.model,
            "environment": self.place,
            "state": self.state,
            "in_sync": is_in_sync(self.state),
            "package": self.package,
            "served": self.served,
            "commit": self.commit,
            "since": self.since.map(instant),
            "reason": self.reason,
            "why": self.why,
            "observed_at": self.observed_at.map(instant),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::render::{json, sample};
    use crate::release::Release;

    fn release() -> Release {
        serde_json::from_value(json!({
            "version": 1,
            "attempt": 1,
            "packages": {"main": {
                "arn": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/3",
                "run": "0".repeat(64),
                "commit": "9f2c1e70".repeat(5),
                "model_data": {"uri": "s3://b/k", "checksum": "etag:x", "size": 1},
                "image": "i",
                "code": {"uri": "s3://b/c", "digest": "sha256:0", "entry_point": "serve.py"},
            }},
        }))
        .unwrap()
    }

    fn check(mut pass: RepositoryPass, expect: &str) {
        pass.models[0]
            .releases
            .insert("staging".to_owned(), release());
        let shown = status(&pass, sample::now(), Paint::PLAIN);
        assert_eq!(shown, expect, "{shown}");
    }

    #[test]
    fn what_was_seen_to_be_served_is_told_from_what_is_wanted() {
        check(
            sample::quiet(),
            "\
main at 1a2b3c4d, observed 3s ago
MODEL  ENVIRONMENT  STATE    PACKAGE  COMMIT    SINCE  WHY
churn  home         in sync  -        -         2h
churn  staging      in sync  churn/3  9f2c1e70  2h
",
        );
        check(
            sample::changing(),
            "\
main at 1a2b3c4d, observed 3s ago
MODEL  ENVIRONMENT  STATE     PACKAGE         COMMIT    SINCE  WHY
churn  home         changing  -               -         -      1 step
churn  staging      changing  churn/3 wanted  9f2c1e70  -      1 step
churn  production   waiting   -               -         4m     Endpoint churn-staging: it is Updating
",
        );
    }

    #[test]
    fn a_model_without_a_plan_has_its_line() {
        check(
            sample::broken(),
            "\
main at 1a2b3c4d, not observed
MODEL  ENVIRONMENT  STATE    PACKAGE  COMMIT  SINCE  WHY
churn               blocked  -        -       -      its files do not allow a plan
",
        );
    }

    #[test]
    fn programs_are_told_the_same() {
        let document = json::status(&sample::quiet(), "/srv/models.git");
        assert_eq!(document["schema"], "trueup/status.v1");
        assert_eq!(document["in_sync"], true);
        assert_eq!(document["units"][1]["environment"], "staging");
        assert_eq!(document["units"][1]["state"], "in_sync");
        assert_eq!(document["units"][1]["since"], "2026-11-22T08:00:00Z");
        let document = json::status(&sample::broken(), "x");
        assert_eq!(document["in_sync"], false);
        assert_eq!(document["findings"][0]["code"], "S001");
        let document = json::plan(&sample::changing(), "x");
        assert_eq!(document["schema"], "trueup/plan.v1");
        assert_eq!(document["changes"], true);
        assert_eq!(document["summary"]["delete"], 1);
        let step = &document["models"][0]["units"][1]["steps"][1];
        assert_eq!(step["effect"], "roll");
        assert_eq!(step["changes"][0]["to"], "churn-staging-4f1c09ab2e");
        assert_eq!(step["reason"]["origin"]["line"], 12);
    }
}
