//! Alarms of `CloudWatch`'s: what they are. Their state is found in [`super::metrics`], or set.

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::list::paged;
use super::metrics::AlarmState;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, default, epoch};
use super::window::{Rank, Window};
use crate::resource::call::Scope;

/// Alarms of a page.
const PAGE: usize = 50;

/// Seconds that an alarm may look back.
const LOOKED_BACK_MAX: u64 = 86_400;

impl World {
    pub(super) fn put_alarm(&mut self, request: &Request<'_>) -> Reply {
        let mut body = request.object();
        check(&body)?;
        if let Some(members) = body.as_object_mut() {
            members.remove("Tags");
        }
        default(&mut body, "ActionsEnabled", true);
        for list in [
            "OKActions",
            "AlarmActions",
            "InsufficientDataActions",
            "Dimensions",
        ] {
            default(&mut body, list, json!([]));
        }
        default(&mut body, "TreatMissingData", "missing");
        let name = request.text("AlarmName");
        let kind = Id::Alarm.kind();
        let arn = kind.arn(request.scope, name);
        body["AlarmArn"] = arn.as_str().into();
        body["AlarmConfigurationUpdatedTimestamp"] = epoch(request.now);
        let key = Key::new(Id::Alarm, request.scope, name);
        if let Some(record) = self.records.get_mut(&key) {
            for kept in ["StateValue", "StateReason", "StateUpdatedTimestamp"] {
                body[kept] = record.body[kept].clone();
            }
            record.body = body;
            self.note_alarm(&key, "ConfigurationUpdate", "Alarm updated");
            self.wake_alarm(&key);
            return Ok(json!({}));
        }
        body["StateValue"] = "INSUFFICIENT_DATA".into();
        body["StateReason"] = "Unchecked: Initial alarm creation".into();
        body["StateUpdatedTimestamp"] = epoch(request.now);
        self.put_tags(&arn, request.items("Tags"))?;
        let record = Record {
            seq: self.next(),
            scope: request.scope.clone(),
            name: name.to_owned(),
            body,
            state: State::Alarm(AlarmState::default()),
        };
        self.records.insert(&key, record);
        let words = format!("Alarm \"{name}\" created");
        self.note_alarm(&key, "ConfigurationUpdate", &words);
        self.wake_alarm(&key);
        Ok(json!({}))
    }

    pub(super) fn describe_alarms(&self, request: &Request<'_>) -> Reply {
        let names = request
            .get("AlarmNames")
            .map(|_| request.items("AlarmNames"));
        let types = request.items("AlarmTypes");
        let plain = types.is_empty() || types.contains(&"MetricAlarm".into());
        let takes = |record: &&Record| {
            let state = request.text("StateValue");
            plain
                && names.is_none_or(|names| names.contains(&record.name.as_str().into()))
                && record.name.starts_with(request.text("AlarmNamePrefix"))
                && (state.is_empty() || record.body["StateValue"] == state)
        };
        let found = self.records.under(Id::Alarm, request.scope, "");
        let found = found
            .filter(takes)
            .map(|record| ((Rank::Text(record.name.clone()), 0), record.body.clone()));
        let (page, next) = Window::ascending(request, "MaxRecords", PAGE)?.whole(found)?;
        let mut answer = paged("MetricAlarms", page, next);
        answer["CompositeAlarms"] = json!([]);
        Ok(answer)
    }

    /// What does not exist is passed over.
    #[expect(clippy::unnecessary_wraps, reason = "it is one of many operations")]
    pub(super) fn delete_alarms(&mut self, request: &Request<'_>) -> Reply {
        for name in request.items("AlarmNames") {
            let name = name.as_str().unwrap_or_default();
            self.drop_record(&Key::new(Id::Alarm, request.scope, name));
        }
        Ok(json!({}))
    }

    /// Sets the state of an alarm, in which it stays until its metric says otherwise.
    pub(super) fn set_alarm_state(&mut self, request: &Request<'_>) -> Reply {
        let key = Key::new(Id::Alarm, request.scope, request.text("AlarmName"));
        if self.records.get(&key).is_none() {
            return Err(Refusal::new("ResourceNotFound", "Alarm does not exist"));
        }
        let [to, reason, data] =
            ["StateValue", "StateReason", "StateReasonData"].map(|member| request.text(member));
        self.turn_alarm(&key, to, reason, data);
        Ok(json!({}))
    }

    /// Whether an alarm is in the state `ALARM`.
    pub(super) fn is_in_alarm(&self, scope: &Scope, name: &str) -> bool {
        let record = self.records.get(&Key::new(Id::Alarm, scope, name));
        record.is_some_and(|record| record.body["StateValue"] == "ALARM")
    }

    /// Refuses a deployment that is to be watched by an alarm that does not exist.
    pub(super) fn check_alarms(
        &self,
        scope: &Scope,
        policy: Option<&Value>,
    ) -> Result<(), Refusal> {
        let missing = super::traffic::alarms(policy).find(|name| {
            self.records
                .get(&Key::new(Id::Alarm, scope, name))
                .is_none()
        });
        missing.map_or(Ok(()), |name| {
            Err(Refusal::invalid(format!(
                "The CloudWatch alarm {name} in AutoRollbackConfiguration does not exist."
            )))
        })
    }
}

/// What members of an alarm do not allow each other.
fn check(body: &Value) -> Result<(), Refusal> {
    let has = |member: &str| body.get(member).is_some();
    let refuse = |code: &'static str, words: &str| Err(Refusal::new(code, words));
    if has("Metrics") == has("MetricName") && !has("EvaluationCriteria") {
        return refuse(
            "ValidationError",
            "An Alarm must be based on either a single MetricName or on Metrics",
        );
    }
    if has("MetricName") {
        if has("Statistic") == has("ExtendedStatistic") {
            return refuse(
                "InvalidParameterCombination",
                "Exactly one of Statistic and ExtendedStatistic must be specified",
            );
        }
        for member in ["Namespace", "Period", "Threshold"] {
            if !has(member) {
                let words = format!("The parameter {member} is required");
                return refuse("MissingParameter", &words);
            }
        }
    }
    let number = |member: &str| body[member].as_u64().unwrap_or(0);
    if number("Period") * number("EvaluationPeriods") > LOOKED_BACK_MAX {
        return refuse(
            "ValidationError",
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be \
             <= 86400).",
        );
    }
    if number("DatapointsToAlarm") > number("EvaluationPeriods") {
        return refuse(
            "ValidationError",
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
        );
    }
    Ok(())
}
