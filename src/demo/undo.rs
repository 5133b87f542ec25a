//! The last two steps: what is taken back, and what is put back.

use serde_json::json;

use super::aftermath::SCHEDULE;
use super::example::MODEL;
use super::http::HttpError;
use super::options::Sabotage;
use super::story::{LONG, Moment, SHORT, Story, StoryError, short};
use super::watch::{Look, until};

/// Passes that have to change nothing after the revert.
const QUIET_PASSES: usize = 20;
/// The endpoint config that somebody makes by hand.
const BY_HAND: &str = "by-hand";

impl Story<'_> {
    pub(super) async fn revert(
        &mut self,
        merge: git2::Oid,
        first: &str,
        second: &str,
    ) -> Result<(), StoryError> {
        self.verifier.before_revert().await;
        if self.sabotage != Some(Sabotage::SkipRevert) {
            let pushed = Moment::now();
            let revert = self.person.revert(merge).await?;
            self.show.done(&format!(
                "pushed {}: git revert -m 1 {}",
                short(revert),
                short(merge)
            ));
            let found = self
                .endpoint("production", |config| config == first)
                .await?;
            self.converged("the revert", pushed).await?;
            self.note_serving("production", &found).await?;
            self.show
                .note(&format!("production went from {second} back to {first}"));
        }
        self.verifier.after_revert().await;
        self.verifier
            .serves("production", 1, "after the revert")
            .await;
        self.verifier.quiet_from().await;
        let line = self.show.begin(format!("{QUIET_PASSES} more passes"));
        // One more than is counted: one may have been under way.
        let last = self.told.borrow().passes + QUIET_PASSES as u64 + 1;
        let told = &self.told;
        until(
            "quiet passes after the revert",
            SHORT,
            &line,
            async || match told.borrow().passes {
                passes if passes >= last => Look::Seen(()),
                passes => Look::Not(format!("{} to go", last - passes)),
            },
        )
        .await?;
        line.end(&format!("{QUIET_PASSES} more passes"));
        self.verifier.quiet_until(QUIET_PASSES).await;
        Ok(())
    }

    pub(super) async fn damage(&mut self) -> Result<(), StoryError> {
        self.verifier.before_damage().await;
        let done = self.mark();
        let body = json!({"MonitoringScheduleName": SCHEDULE});
        self.http
            .sagemaker("DeleteMonitoringSchedule", &body)
            .await?;
        self.show.done(&format!("somebody deletes {SCHEDULE}"));
        self.put_back("MonitoringSchedule", "the deleted schedule", done)
            .await?;

        let staging = self.configs("staging").last().cloned().unwrap_or_default();
        let done = self.mark();
        self.move_by_hand(&staging).await?;
        self.show
            .done(&format!("somebody moves {MODEL}-staging to {BY_HAND}"));
        self.put_back("Endpoint ", "the moved endpoint", done)
            .await?;
        let found = self.endpoint("staging", |config| config == staging).await?;
        self.note_serving("staging", &found).await?;
        self.verifier.after_damage(BY_HAND).await;
        Ok(())
    }

    /// Another endpoint config with the same model, and the endpoint pointed at it.
    async fn move_by_hand(&self, staging: &str) -> Result<(), HttpError> {
        let body = json!({"EndpointConfigName": staging});
        let config = self.http.sagemaker("DescribeEndpointConfig", &body).await?;
        let mut variant = config["ProductionVariants"][0].clone();
        variant["InstanceType"] = "ml.m5.4xlarge".into();
        let body = json!({"EndpointConfigName": BY_HAND, "ProductionVariants": [variant]});
        self.http.sagemaker("CreateEndpointConfig", &body).await?;
        let endpoint = format!("{MODEL}-staging");
        let body = json!({"EndpointName": endpoint, "EndpointConfigName": BY_HAND});
        self.http.sagemaker("UpdateEndpoint", &body).await?;
        Ok(())
    }

    /// Now, and how much the daemon had done. A pass that is under way now may see what is changed
    /// next: its time does not tell what it answers to.
    fn mark(&self) -> (Moment, usize) {
        let acts = self.told.borrow().acts.len();
        (Moment::now(), acts)
    }

    /// Waits until the daemon has done something about a resource of `kind`, and told why, and
    /// everything is as Git says again.
    async fn put_back(
        &mut self,
        kind: &str,
        what: &str,
        (done, before): (Moment, usize),
    ) -> Result<(), StoryError> {
        let line = self.show.begin(format!("trueup sees {what}"));
        let told = &self.told;
        let acts = until(&format!("an answer to {what}"), LONG, &line, async || {
            let told = told.borrow();
            let after = told.acts.iter().skip(before);
            let acts: Vec<_> = after
                .filter(|act| act.subject.starts_with(kind))
                .cloned()
                .collect();
            if acts.is_empty() {
                return Look::Not(told.status.clone());
            }
            Look::Seen(acts)
        })
        .await?;
        line.end(&format!("trueup sees {what}"));
        for act in &acts {
            self.show
                .note(&format!("  {} {}: {}", act.sign, act.subject, act.reason));
            self.summary
                .undone
                .push(format!("{}: {}", act.subject, act.reason));
        }
        self.converged(what, done).await
    }
}
