//! What was seen of each resource: as a tree, as differences, and by the commit that made it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Paint;
use super::json::head;
use super::words::{line, path, short, value};
use crate::execute::seen::{Presence, Seen, SeenRun};
use crate::plan::report::State;
use crate::reconcile::RepositoryPass;
use crate::resource::desired::Change;

/// Models, their units, and the units' resources, each with how it is and the commit that made it.
pub fn tree(pass: &RepositoryPass, paint: Paint) -> String {
    let mut text = String::new();
    for model in &pass.models {
        let head = paint.bold(&line(&model.name));
        writeln!(text, "{head}  {}", paint.state(model.state()))
            .expect("a string takes everything");
        for unit in model.pass.iter().flat_map(|pass| &pass.units) {
            let scope = paint.dim(&unit.plan.scope.to_string());
            let place = line(&unit.plan.unit.place);
            writeln!(text, "  {place}  {scope}  {}", paint.state(unit.state()))
                .expect("a string takes everything");
            for one in &unit.seen {
                writeln!(text, "    {}", leaf(one, paint)).expect("a string takes everything");
            }
        }
    }
    text
}

fn leaf(seen: &Seen, paint: Paint) -> String {
    let state = match seen.status {
        Presence::Ready => State::InSync,
        Presence::Moving => State::Waiting,
        Presence::Failed | Presence::NotOurs => State::Blocked,
        Presence::Absent => State::Empty,
        Presence::Unknown => State::Unknown,
    };
    let mut text = format!(
        "{} {}  {}",
        seen.kind,
        line(&seen.name),
        paint.as_state(state, seen.status.word())
    );
    if let Some(detail) = &seen.detail {
        write!(text, " ({})", line(detail)).expect("a string takes everything");
    }
    if let Some(commit) = &seen.commit {
        write!(text, "  {}", paint.dim(&line(short(commit)))).expect("a string takes everything");
    }
    if !seen.declared {
        text.push_str("  not declared");
    }
    text
}

/// The tree for programs: `trueup/tree.v1`.
pub fn tree_json(pass: &RepositoryPass, source: &str) -> Value {
    let units = pass.units().map(|(_, unit)| {
        json!({
            "model": unit.plan.unit.model,
            "environment": unit.plan.unit.place,
            "scope": unit.plan.scope.to_string(),
            "state": unit.state(),
            "resources": unit.seen,
        })
    });
    let mut document = head("trueup/tree.v1", pass, source);
    document["units"] = units.collect();
    document
}

/// Declared resources that are not as they are declared.
fn differing(pass: &RepositoryPass) -> impl Iterator<Item = (String, &Seen)> {
    let units = pass.units().flat_map(|(_, unit)| {
        let name = unit.plan.unit.to_string();
        unit.seen.iter().map(move |seen| (name.clone(), seen))
    });
    units.filter(|(_, seen)| {
        let there = matches!(
            seen.status,
            Presence::Ready | Presence::Moving | Presence::Failed
        );
        seen.declared && !(there && seen.changes.is_empty())
    })
}

/// Whether anything that is declared is not as it is declared, or could not be seen.
pub fn differs(pass: &RepositoryPass) -> bool {
    differing(pass).next().is_some()
}

/// Each difference: `-` what runs, `+` what is declared.
pub fn diff(pass: &RepositoryPass, paint: Paint) -> String {
    let mut text = String::new();
    for (unit, seen) in differing(pass) {
        let head = format!("{} {} {}", line(&unit), seen.kind, line(&seen.name));
        writeln!(text, "{}", paint.bold(&head)).expect("a string takes everything");
        if seen.changes.is_empty() {
            writeln!(text, "  {}", seen.status.word()).expect("a string takes everything");
        }
        for Change {
            path: at, from, to, ..
        } in &seen.changes
        {
            let live = from.as_ref().map_or_else(|| "nothing".to_owned(), value);
            writeln!(text, "  {}\n    - {live}\n    + {}", path(at), value(to))
                .expect("a string takes everything");
        }
    }
    text
}

/// The differences for programs: `trueup/diff.v1`.
pub fn diff_json(pass: &RepositoryPass, source: &str) -> Value {
    let mut document = head("trueup/diff.v1", pass, source);
    document["differs"] = differs(pass).into();
    let resources = differing(pass).map(|(unit, seen)| {
        let mut one = json!(seen);
        one["unit"] = unit.into();
        one
    });
    document["resources"] = resources.collect();
    document
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// The runs that were started for it, with the model.
    pub runs: Vec<(String, SeenRun)>,
    /// The releases that name a package of it: model, environment, package.
    pub releases: Vec<[String; 3]>,
    /// The resources that it created, with the unit.
    pub resources: Vec<(String, Seen)>,
}

impl Traced {
    /// What of a pass comes from the commit whose id begins so.
    pub fn of(pass: &RepositoryPass, prefix: &str) -> Self {
        let is_it = |commit: &str| commit.starts_with(prefix);
        let mut traced = Self {
            runs: Vec::new(),
            releases: Vec::new(),
            resources: Vec::new(),
        };
        for (_, unit) in pass.units() {
            let (name, model) = (unit.plan.unit.to_string(), &unit.plan.unit.model);
            let runs = unit.runs.iter().filter(|run| is_it(&run.commit));
            traced
                .runs
                .extend(runs.map(|run| (model.clone(), run.clone())));
            let made = |seen: &&Seen| seen.commit.as_deref().is_some_and(is_it);
            let resources = unit.seen.iter().filter(made);
            let resources = resources.map(|seen| (name.clone(), seen.clone()));
            traced.resources.extend(resources);
        }
        for model in &pass.models {
            for (environment, release) in &model.releases {
                let packages = release.packages.values();
                for package in packages.filter(|package| is_it(&package.commit)) {
                    let (environment, arn) = (environment.clone(), package.arn.clone());
                    traced.releases.push([model.name.clone(), environment, arn]);
                }
            }
        }
        traced
    }

    /// Whether nothing that was seen comes from it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.releases.is_empty() && self.resources.is_empty()
    }

    /// Run, package, releases, resources: a line each.
    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for (model, run) in &self.runs {
            let (digest, status) = (line(short(&run.digest)), line(&run.status));
            writeln!(text, "run {digest} of {}: {status}", line(model))
                .expect("a string takes everything");
            if let Some(package) = &run.package {
                writeln!(text, "package {}", line(package)).expect("a string takes everything");
            }
        }
        for [model, environment, arn] in &self.releases {
            let (model, environment) = (line(model), line(environment));
            writeln!(text, "release {model}/{environment}: {}", line(arn))
                .expect("a string takes everything");
        }
        for (unit, seen) in &self.resources {
            writeln!(text, "{}: {}", line(unit), leaf(seen, paint))
                .expect("a string takes everything");
        }
        text
    }

    /// The same for programs: `trueup/trace.v1`.
    pub fn json(&self, pass: &RepositoryPass, source: &str, prefix: &str) -> Value {
        let mut document = head("trueup/trace.v1", pass, source);
        document["traced"] = prefix.into();
        let runs = self.runs.iter().map(|(model, run)| {
            let mut one = json!(run);
            one["model"] = model.clone().into();
            one
        });
        document["runs"] = runs.collect();
        let releases = self.releases.iter().map(|[model, environment, package]| {
            json!({"model": model, "environment": environment, "package": package})
        });
        document["releases"] = releases.collect();
        let resources = self.resources.iter().map(|(unit, seen)| {
            let mut one = json!(seen);
            one["unit"] = unit.clone().into();
            one
        });
        document["resources"] = resources.collect();
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;
    use crate::resource::kind::FieldClass;

    fn pass() -> RepositoryPass {
        let mut pass = sample::quiet();
        let unit = &mut pass.models[0].pass.as_mut().unwrap().units[1];
        let endpoint = Seen {
            kind: "Endpoint",
            name: "churn-staging".to_owned(),
            status: Presence::Ready,
            detail: None,
            commit: Some("9f2c1e70".repeat(5)),
            declared: true,
            changes: Vec::new(),
            origin: None,
        };
        let mut old = endpoint.clone();
        (old.kind, old.declared, old.commit) = ("Model", false, None);
        unit.seen = vec![endpoint, old];
        unit.runs = vec![SeenRun {
            digest: "00ff".repeat(16),
            attempt: Some(1),
            status: "Executing".to_owned(),
            commit: "9f2c1e70".repeat(5),
            package: None,
        }];
        pass
    }

    #[test]
    fn a_tree_has_models_units_and_resources() {
        assert_eq!(
            tree(&pass(), Paint::PLAIN),
            "\
churn  in sync
  home  111122223333/eu-west-1  in sync
  staging  111122223333/eu-west-1  in sync
    Endpoint churn-staging  ready  9f2c1e70
    Model churn-staging  ready  not declared
"
        );
        let document = tree_json(&pass(), "x");
        assert_eq!(document["units"][1]["resources"][0]["status"], "ready");
    }

    #[test]
    fn only_what_is_declared_and_differs_is_a_difference() {
        let mut pass = pass();
        assert!(!differs(&pass));
        let seen = &mut pass.models[0].pass.as_mut().unwrap().units[1].seen;
        seen[0].changes = vec![Change {
            path: "/EndpointConfigName".to_owned(),
            from: Some(json!("a")),
            to: json!("b"),
            class: FieldClass::Live,
        }];
        let mut missing = seen[0].clone();
        (missing.kind, missing.status, missing.changes) = ("Topic", Presence::Absent, Vec::new());
        seen.push(missing);
        assert_eq!(
            diff(&pass, Paint::PLAIN),
            "\
churn/staging Endpoint churn-staging
  EndpointConfigName
    - a
    + b
churn/staging Topic churn-staging
  absent
"
        );
        assert_eq!(diff_json(&pass, "x")["differs"], true);
    }

    #[test]
    fn a_commit_is_traced_to_what_it_made() {
        let pass = pass();
        let traced = Traced::of(&pass, "9f2c1e7");
        assert_eq!(
            traced.text(Paint::PLAIN),
            "run 00ff00ff of churn: Executing\nchurn/staging: Endpoint churn-staging  ready  \
             9f2c1e70\n"
        );
        assert_eq!(
            traced.json(&pass, "x", "9f2c1e7")["runs"][0]["model"],
            "churn"
        );
        assert!(Traced::of(&pass, "0000000").is_empty());
    }
}
