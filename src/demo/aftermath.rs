//! The verifier's looks at what follows a change, a revert and damage: what it saw before is compared
//! with what it sees then.

use serde_json::{Value, json};

use super::example::MODEL;
use super::judge::{refs, shown, text};
use super::verify::{Verifier, Wrong};

/// The schedule that watches production's data.
pub(super) const SCHEDULE: &str = "mortgage-production-data-quality";

impl Verifier {
    /// Before the second commit: what production stands on.
    pub async fn before_change(&mut self) {
        match self.endpoint("production").await {
            Ok(endpoint) => self.keep("production", &endpoint.config["EndpointConfigName"]),
            Err(wrong) => self.check("production is there before the change", Err(wrong)),
        }
    }

    /// Before the revert: production has moved, and from here on calls are counted.
    pub async fn before_revert(&mut self) {
        let moved = self.production_config().await.map(|now| {
            let before = self.kept("production");
            (now != before, format!("{before}, then {now}"))
        });
        self.check("production has moved to another endpoint config", moved);
        self.mark().await;
    }

    /// After the revert: production is back, and nothing was made or trained for it.
    pub async fn after_revert(&mut self) {
        let back = self.production_config().await.map(|now| {
            let before = self.kept("production");
            (
                now == before,
                format!("now {now}, before the change {before}"),
            )
        });
        self.check("the revert brought the same endpoint config back", back);
        let made = self.http.calls(self.calls).await.map(|calls| {
            let makes = |call: &&Value| {
                let op = call["op"].as_str().unwrap_or_default();
                op.starts_with("Create") || op.starts_with("Start")
            };
            let made: Vec<_> = calls.iter().filter(makes).map(shown).collect();
            (
                made.is_empty(),
                format!("{} calls, made: {made:?}", calls.len()),
            )
        });
        self.check(
            "the revert made and trained nothing",
            made.map_err(Wrong::from),
        );
    }

    async fn production_config(&self) -> Result<String, Wrong> {
        let endpoint = self.endpoint("production").await?;
        Ok(text(&endpoint.config["EndpointConfigName"])?)
    }

    /// From here on nothing may change.
    pub async fn quiet_from(&mut self) {
        self.mark().await;
    }

    /// Nothing has changed since, though trueup looked at least `passes` times.
    pub async fn quiet_until(&mut self, passes: usize) {
        let calls = match self.http.calls(self.calls).await {
            Ok(calls) => calls,
            Err(error) => return self.check("the call log is there", Err(error.into())),
        };
        let changing: Vec<_> = calls
            .iter()
            .filter(|call| call["mutates"] == true)
            .map(shown)
            .collect();
        let production = format!("{MODEL}-production");
        let looks = calls.iter().filter(|call| {
            call["op"] == "DescribeEndpoint" && call["request"]["EndpointName"] == *production
        });
        let looks = looks.count();
        let saw = format!(
            "{looks} looks, {} calls, changing: {changing:?}",
            calls.len()
        );
        self.check(
            format!("{passes} passes after the revert change nothing in AWS"),
            Ok((looks >= passes && changing.is_empty(), saw)),
        );
        let refs = refs(&self.origin).map(|refs| {
            let same = refs == self.refs;
            let moved = if same { "none moved" } else { "some moved" };
            (same, format!("{} branches, {moved}", refs.len()))
        });
        let refs = refs.map_err(Wrong::from);
        self.check(
            format!("{passes} passes after the revert commit nothing"),
            refs,
        );
    }

    async fn mark(&mut self) {
        match self.http.calls(self.calls).await {
            Ok(calls) => {
                let last = calls.last().and_then(|call| call["seq"].as_u64());
                self.calls = last.unwrap_or(self.calls);
            }
            Err(error) => self.check("the call log is there", Err(error.into())),
        }
        match refs(&self.origin) {
            Ok(refs) => self.refs = refs,
            Err(error) => self.check("the repository is there", Err(error.into())),
        }
    }

    /// Before somebody does damage.
    pub async fn before_damage(&mut self) {
        match self.schedule().await {
            Ok(schedule) => self.keep("schedule", &schedule["CreationTime"]),
            Err(wrong) => self.check("the schedule is there before it is deleted", Err(wrong)),
        }
        match self.endpoint("staging").await {
            Ok(endpoint) => self.keep("staging", &endpoint.config["EndpointConfigName"]),
            Err(wrong) => self.check("staging is there before it is moved", Err(wrong)),
        }
    }

    /// After the damage: the schedule is a new one, staging is where it was, and what somebody made
    /// by hand is left alone.
    pub async fn after_damage(&mut self, by_hand: &str) {
        let schedule = self.schedule().await.map(|schedule| {
            let (made, before) = (schedule["CreationTime"].to_string(), self.kept("schedule"));
            let status = &schedule["MonitoringScheduleStatus"];
            let ok = made != before && status == "Scheduled";
            (
                ok,
                format!("made at {made}, deleted one at {before}, {status}"),
            )
        });
        self.check("the deleted schedule is there again", schedule);
        let owned = match self.schedule().await {
            Ok(schedule) => {
                let arn = &schedule["MonitoringScheduleArn"];
                self.owned(arn, SCHEDULE, "production").await
            }
            Err(wrong) => Err(wrong),
        };
        self.check("the new schedule says who owns it", owned);
        let staging = self.endpoint("staging").await.map(|endpoint| {
            let now = endpoint.config["EndpointConfigName"]
                .as_str()
                .unwrap_or_default();
            let before = self.kept("staging");
            let status = &endpoint.described["EndpointStatus"];
            let ok = now == before && status == "InService";
            (ok, format!("on {now}, before {before}, {status}"))
        });
        self.check("staging is back on its endpoint config", staging);
        let body = json!({"EndpointConfigName": by_hand});
        let left = self.http.sagemaker("DescribeEndpointConfig", &body).await;
        let left = left.map(|config| (true, config["EndpointConfigName"].to_string()));
        self.check(
            "what was made by hand is left alone",
            left.map_err(Wrong::from),
        );
    }

    async fn schedule(&self) -> Result<Value, Wrong> {
        let body = json!({"MonitoringScheduleName": SCHEDULE});
        Ok(self
            .http
            .sagemaker("DescribeMonitoringSchedule", &body)
            .await?)
    }

    fn keep(&mut self, what: &'static str, value: &Value) {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        self.kept.insert(what, value);
    }

    fn kept(&self, what: &str) -> String {
        self.kept.get(what).cloned().unwrap_or_default()
    }
}
