//! The six steps.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::example::{self, APPLICATION, MODEL};
use super::http::{Http, HttpError};
use super::look::{RunLook, Serving, serving, settled};
use super::options::Sabotage;
use super::person::{Person, PersonError};
use super::show::Show;
use super::summary::{Converged, Step, Summary};
use super::verify::Verifier;
use super::watch::{Look, Missed, Told, until};
use crate::clock::{Clock as _, SystemClock, Timestamp};

/// A whole run of the pipeline, or an endpoint's start, on a slow and busy machine.
pub(super) const LONG: Duration = Duration::from_mins(3);
/// What takes no work but a few passes.
pub(super) const SHORT: Duration = Duration::from_mins(1);

/// Why the story broke off.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// A wait was in vain.
    #[error(transparent)]
    Missed(#[from] Missed),
    /// Git.
    #[error("the person could not do it")]
    Person(#[from] PersonError),
    /// The local SageMaker.
    #[error("the local SageMaker did not do it")]
    Http(#[from] HttpError),
}

/// The people of the demo, what they look at, and what is noted of it.
pub struct Story<'a> {
    /// What a person sees.
    pub show: Show,
    /// Who commits.
    pub person: &'a Person,
    /// The local SageMaker.
    pub http: Http,
    /// What the daemon tells.
    pub told: watch::Receiver<Told>,
    /// The judge.
    pub verifier: Verifier,
    /// What is done wrong on purpose.
    pub sabotage: Option<Sabotage>,
    /// What it comes to.
    pub summary: &'a mut Summary,
    /// When the first commit was pushed.
    pub pushed: Moment,
}

/// An instant, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub(super) at: Timestamp,
    pub(super) since: Instant,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self {
            at: SystemClock.now(),
            since: Instant::now(),
        }
    }
}

impl Story<'_> {
    /// All six steps.
    pub async fn tell(&mut self) -> Result<(), StoryError> {
        let start = Instant::now();
        self.title("A commit becomes a pipeline, and its run a model");
        self.first_commit().await?;
        self.ended(start);

        let start = Instant::now();
        self.title("What passed the gate is released to staging, which answers");
        self.staging(1, self.pushed).await?;
        self.ended(start);

        let start = Instant::now();
        self.title("Merging the proposed promotion brings it to production");
        let (_, first) = self.promotion(1).await?;
        self.ended(start);

        let start = Instant::now();
        self.title("A better model takes the same way");
        let (merge, second) = self.second_commit(&first).await?;
        self.ended(start);

        let start = Instant::now();
        self.title("Reverting the merge is a rollback, and it stays");
        self.revert(merge, &first, &second).await?;
        self.ended(start);

        let start = Instant::now();
        self.title("What is changed by hand is seen and put back");
        self.damage().await?;
        self.ended(start);
        Ok(())
    }

    fn title(&mut self, title: &str) {
        let number = self.summary.steps.len() + 1;
        self.show.title(number, title);
        self.summary.steps.push(Step {
            number,
            title: title.to_owned(),
            seconds: 0.0,
        });
    }

    /// Ends a step: its time, and what the verifier saw of it.
    fn ended(&mut self, start: Instant) {
        if let Some(step) = self.summary.steps.last_mut() {
            step.seconds = start.elapsed().as_secs_f64();
        }
        let checks = self.verifier.checks();
        let new = &checks[self.summary.verifier.len()..];
        for check in new.iter().filter(|check| !check.ok) {
            self.show
                .wrong(&format!("verifier: {}: {}", check.name, check.saw));
        }
        let seen = new.iter().filter(|check| check.ok).count();
        self.show
            .note(&format!("the verifier saw {seen} of {}", new.len()));
        self.summary.verifier = checks.to_vec();
    }

    async fn first_commit(&mut self) -> Result<(), StoryError> {
        self.show
            .done(&format!("{} files pushed to main", example::FILES.len()));
        let line = self.show.begin("the daemon looks at the commit");
        let told = &self.told;
        let look = async || {
            let told = told.borrow();
            if told.acts.is_empty() {
                return Look::Not(told.status.clone());
            }
            Look::Seen((told.findings, told.acts.clone()))
        };
        let ((errors, warnings), acts) = until("the first pass", SHORT, &line, look).await?;
        line.end(&format!(
            "lint: {errors} errors, {warnings} other findings; {} steps planned and taken",
            acts.len()
        ));
        for act in &acts {
            self.show
                .note(&format!("  {} {}", act.sign, brief(&act.subject)));
        }
        self.run(1).await
    }

    /// Follows run `number` to its end.
    async fn run(&mut self, number: usize) -> Result<(), StoryError> {
        let name = format!("run {number} of the pipeline");
        let line = self.show.begin(&name);
        let mut run = RunLook::default();
        until(&name, LONG, &line, async || {
            run.look(&self.http, number, &line).await
        })
        .await?;
        line.end(&format!("{name} has registered a model"));
        self.verifier.run().await;
        if let Some(run) = self.verifier.runs().last() {
            self.summary.packages.push(run.package.clone());
            self.summary.auc.push(run.auc);
            self.show
                .note(&format!("{}, AUC {:.3}", run.package, run.auc));
        }
        Ok(())
    }

    /// Waits until staging serves the newest release.
    async fn staging(&mut self, number: usize, pushed: Moment) -> Result<(), StoryError> {
        let before = self.configs("staging").last().cloned().unwrap_or_default();
        let found = self.endpoint("staging", |config| config != before).await?;
        self.converged(&format!("commit {number}"), pushed).await?;
        self.note_serving("staging", &found).await?;
        self.verifier
            .serves("staging", number, &format!("after commit {number}"))
            .await;
        Ok(())
    }

    /// Waits for the promotion, merges it, and waits until production serves it.
    async fn promotion(&mut self, number: usize) -> Result<(git2::Oid, String), StoryError> {
        let line = self.show.begin("trueup proposes the promotion");
        let proposed = until(
            "a branch that proposes the promotion",
            SHORT,
            &line,
            async || match self.person.proposed().await {
                Ok(Some(branch)) => Look::Seen(branch),
                Ok(None) => Look::Not(self.told.borrow().status.clone()),
                Err(error) => Look::Not(error.to_string()),
            },
        );
        let branch = proposed.await?;
        line.end(&format!("proposed: {branch}"));
        let pushed = Moment::now();
        let merge = self.person.merge(branch).await?;
        self.show.done(&format!("merged as {}", short(merge)));
        let before = self
            .configs("production")
            .last()
            .cloned()
            .unwrap_or_default();
        let found = self
            .endpoint("production", |config| config != before)
            .await?;
        self.converged(&format!("promotion {number}"), pushed)
            .await?;
        self.note_serving("production", &found).await?;
        self.verifier
            .serves("production", number, &format!("after promotion {number}"))
            .await;
        Ok((merge, found.config))
    }

    async fn second_commit(&mut self, first: &str) -> Result<(git2::Oid, String), StoryError> {
        self.verifier.before_change().await;
        let pushed = Moment::now();
        let message = "Learn from the credit history too\n";
        let commit = self.person.commit(example::IMPROVEMENT, message).await?;
        self.show.done(&format!(
            "pushed {} to main: {}",
            short(commit),
            message.trim_end()
        ));
        self.run(2).await?;
        self.staging(2, pushed).await?;
        let (merge, second) = self.promotion(2).await?;
        self.show
            .note(&format!("production went from {first} to {second}"));
        Ok((merge, second))
    }

    pub(super) async fn endpoint(
        &mut self,
        environment: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Serving, StoryError> {
        let line = self.show.begin(format!("{MODEL}-{environment} starts"));
        let name = format!("endpoint {MODEL}-{environment}");
        let look = async || {
            let look = serving(&self.http, environment, &wanted).await;
            match look {
                Look::Not(status) => Look::Not(format!("{status}; {}", self.told.borrow().status)),
                other => other,
            }
        };
        let found = until(&name, LONG, &line, look).await?;
        let Serving { config, instances } = &found;
        line.end(&format!(
            "{MODEL}-{environment} serves {config}, instances: {instances}"
        ));
        Ok(found)
    }

    pub(super) async fn note_serving(
        &mut self,
        environment: &str,
        found: &Serving,
    ) -> Result<(), StoryError> {
        let endpoint = format!("{MODEL}-{environment}");
        let answer = self.http.invoke(&endpoint, APPLICATION).await?;
        let prediction = &answer["predictions"][0];
        self.show.note(&format!("{endpoint} answers {prediction}"));
        let configs = self
            .summary
            .endpoint_configs
            .entry(endpoint.clone())
            .or_default();
        configs.push(found.config.clone());
        let predictions = self.summary.predictions.entry(endpoint).or_default();
        predictions.extend(prediction["probability"].as_f64());
        Ok(())
    }

    pub(super) fn configs(&self, environment: &str) -> &[String] {
        let configs = self
            .summary
            .endpoint_configs
            .get(&format!("{MODEL}-{environment}"));
        configs.map_or(&[], Vec::as_slice)
    }

    /// Waits until nothing is left to do, and notes how long that took since `pushed`.
    pub(super) async fn converged(&mut self, what: &str, pushed: Moment) -> Result<(), StoryError> {
        let line = self.show.begin("everything settles");
        let name = format!("a pass that leaves nothing to do after {what}");
        let (told, origin) = (&self.told, &self.person.origin);
        until(&name, LONG, &line, async || {
            settled(told, origin, pushed.at)
        })
        .await?;
        let seconds = pushed.since.elapsed().as_secs_f64();
        drop(line);
        self.show.done(&format!(
            "everything is as Git says, {seconds:.1} s after {what}"
        ));
        self.summary.converged.push(Converged {
            after: what.to_owned(),
            seconds,
        });
        Ok(())
    }
}

pub(super) fn short(commit: git2::Oid) -> String {
    commit.to_string()[..8].to_owned()
}

/// Long digests cut to their first digits.
fn brief(text: &str) -> String {
    let parts = text.split_inclusive(|c: char| !c.is_ascii_hexdigit());
    let cut = |part: &str| match part.get(..32) {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
            format!("{}…{rest}", &part[..8])
        }
        _ => part.to_owned(),
    };
    parts.map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_cut_and_names_are_not() {
        let check = |text: &str, expected: &str| assert_eq!(brief(text), expected);
        let digest = "0123456789abcdef".repeat(4);
        check(
            &format!("Object s3://b/{digest}/a.gz"),
            "Object s3://b/01234567…/a.gz",
        );
        check(&format!("Run {digest}-a1"), "Run 01234567…-a1");
        check(&digest, "01234567…");
        check(
            "Endpoint mortgage-staging-e9f74ebe48",
            "Endpoint mortgage-staging-e9f74ebe48",
        );
    }
}
