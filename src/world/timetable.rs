//! When a monitoring schedule runs, and which hours it then looks at.

use serde_json::Value;

use super::request::text;
use crate::clock::{SignedDuration, Timestamp};

const HOUR: i64 = 3600;
const HOURS_OF_DAY: i64 = 24;
/// The longest stretch of data that one execution may look at (the service's figure).
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(24);

/// When a schedule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timetable {
    hours: Hours,
    /// Where the data that is looked at begins and ends, as offsets to when it runs.
    from: SignedDuration,
    to: SignedDuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hours {
    /// At once, and never again.
    Now,
    /// Each day from this hour on, every so many hours.
    Every { first: i64, step: i64 },
}

impl Timetable {
    /// Reads a `ScheduleConfig`; where there is none, the service takes an hour of the day.
    pub(super) fn of(config: Option<&Value>) -> Result<Self, String> {
        let none = Value::Null;
        let config = config.unwrap_or(&none);
        let hours = match config.get("ScheduleExpression").and_then(Value::as_str) {
            None => Hours::Every {
                first: 0,
                step: HOURS_OF_DAY,
            },
            Some(expression) => hours(expression)
                .ok_or_else(|| format!("Invalid schedule expression: {expression}."))?,
        };
        let given = [
            text(config, "DataAnalysisStartTime"),
            text(config, "DataAnalysisEndTime"),
        ];
        if hours == Hours::Now && given.iter().any(|offset| offset.is_empty()) {
            return Err(
                "DataAnalysisStartTime and DataAnalysisEndTime are required when the schedule \
                 expression is NOW."
                    .to_owned(),
            );
        }
        let usual = match hours {
            Hours::Every { step, .. } => SignedDuration::from_hours(-step),
            Hours::Now => SignedDuration::ZERO,
        };
        let from = offset(given[0], usual)?;
        let to = offset(given[1], SignedDuration::ZERO)?;
        if to <= from || to - from > WINDOW_MAX {
            return Err(
                "DataAnalysisStartTime must precede DataAnalysisEndTime, and by no more than 24 \
                 hours."
                    .to_owned(),
            );
        }
        Ok(Self { hours, from, to })
    }

    /// When it runs first after an instant; `None` if it runs only at once.
    pub(super) fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let Hours::Every { first, step } = self.hours else {
            return None;
        };
        let hour = now.as_second().div_euclid(HOUR);
        let runs = |hour: &i64| (hour - first).rem_euclid(HOURS_OF_DAY) % step == 0;
        let next = (hour + 1..=hour + HOURS_OF_DAY).find(runs)?;
        Timestamp::from_second(next * HOUR).ok()
    }

    /// Where the data begins and ends that it looks at when it runs at an instant.
    pub(super) fn window(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let by = |offset| at.saturating_add(offset).unwrap_or(at);
        (by(self.from), by(self.to))
    }
}

/// The hours that a stretch of time touches, each by its beginning.
pub(super) fn hours_of((from, to): (Timestamp, Timestamp)) -> impl Iterator<Item = Timestamp> {
    let first = from.as_second().div_euclid(HOUR);
    let hours = (first..).map(|hour| Timestamp::from_second(hour * HOUR));
    hours
        .map_while(Result::ok)
        .take_while(move |hour| *hour < to)
}

/// The forms that Model Monitor knows: every hour, an hour of the day, and every so many hours from
/// one on.
fn hours(expression: &str) -> Option<Hours> {
    if expression == "NOW" {
        return Some(Hours::Now);
    }
    let hours = expression
        .strip_prefix("cron(0 ")?
        .strip_suffix(" ? * * *)")?;
    let (first, step) = hours.split_once('/').unwrap_or((hours, "24"));
    let number = |text: &str, among: std::ops::RangeInclusive<i64>| {
        let digits = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits)?;
        among.contains(&number).then_some(number)
    };
    if hours == "*" {
        return Some(Hours::Every { first: 0, step: 1 });
    }
    Some(Hours::Every {
        first: number(first, 0..=HOURS_OF_DAY - 1)?,
        step: number(step, 1..=HOURS_OF_DAY)?,
    })
}

/// An offset such as `-PT5H`.
fn offset(given: &str, usual: SignedDuration) -> Result<SignedDuration, String> {
    if given.is_empty() {
        return Ok(usual);
    }
    let span: Result<jiff::Span, _> = given.parse();
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let offset = span.and_then(|span| span.to_duration(days));
    offset.map_err(|_| format!("Invalid duration: {given}."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn timetable(expression: &str, from: &str, to: &str) -> Result<Timetable, String> {
        let mut config = json!({"ScheduleExpression": expression});
        for (member, offset) in [("DataAnalysisStartTime", from), ("DataAnalysisEndTime", to)] {
            if !offset.is_empty() {
                config[member] = json!(offset);
            }
        }
        Timetable::of(Some(&config))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn it_runs_at_the_hours_of_its_expression() {
        let check = |expression: &str, now: &str, next: &str| {
            let found = timetable(expression, "", "").unwrap().after(at(now));
            assert_eq!(found, Some(at(next)), "{expression} after {now}");
        };
        let noon = "2026-03-01T12:00:00Z";
        check("cron(0 * ? * * *)", noon, "2026-03-01T13:00:00Z");
        check(
            "cron(0 * ? * * *)",
            "2026-03-01T12:59:59.9Z",
            "2026-03-01T13:00:00Z",
        );
        check("cron(0 12 ? * * *)", noon, "2026-03-02T12:00:00Z");
        check("cron(0 00 ? * * *)", noon, "2026-03-02T00:00:00Z");
        check("cron(0 0/2 ? * * *)", noon, "2026-03-01T14:00:00Z");
        // Twelve hours after five in the afternoon is five in the morning.
        check("cron(0 17/12 ? * * *)", noon, "2026-03-01T17:00:00Z");
        check(
            "cron(0 17/12 ? * * *)",
            "2026-03-01T17:00:00Z",
            "2026-03-02T05:00:00Z",
        );
        // What does not divide a day begins anew each day.
        check(
            "cron(0 0/5 ? * * *)",
            "2026-03-01T20:00:00Z",
            "2026-03-02T00:00:00Z",
        );
        let daily = Timetable::of(None).unwrap().after(at(noon));
        assert_eq!(daily, Some(at("2026-03-02T00:00:00Z")));
        let once = timetable("NOW", "-PT1H", "-PT0H").unwrap();
        assert_eq!(once.after(at(noon)), None);
    }

    #[test]
    fn it_looks_at_the_time_since_it_ran_before_or_at_what_it_is_told() {
        let check = |expression: &str, from: &str, to: &str, expected: [&str; 2]| {
            let found = timetable(expression, from, to).unwrap();
            let found = found.window(at("2026-03-02T10:30:00Z"));
            assert_eq!(found, (at(expected[0]), at(expected[1])), "{expression}");
        };
        let now = "2026-03-02T10:30:00Z";
        check("cron(0 * ? * * *)", "", "", ["2026-03-02T09:30:00Z", now]);
        check("cron(0 3 ? * * *)", "", "", ["2026-03-01T10:30:00Z", now]);
        check("cron(0 0/6 ? * * *)", "", "", ["2026-03-02T04:30:00Z", now]);
        check(
            "cron(0 0/6 ? * * *)",
            "-PT2H",
            "",
            ["2026-03-02T08:30:00Z", now],
        );
        check(
            "NOW",
            "-P1D",
            "-PT1H",
            ["2026-03-01T10:30:00Z", "2026-03-02T09:30:00Z"],
        );
    }

    #[test]
    fn a_window_is_made_of_the_hours_that_it_touches() {
        let check = |from: &str, to: &str, expected: &[&str]| {
            let found: Vec<Timestamp> = hours_of((at(from), at(to))).collect();
            let expected: Vec<Timestamp> = expected.iter().map(|hour| at(hour)).collect();
            assert_eq!(found, expected, "{from} to {to}");
        };
        let (nine, ten) = ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z");
        check(nine, ten, &[nine]);
        check("2026-03-02T09:30:00Z", "2026-03-02T10:00:01Z", &[nine, ten]);
    }

    #[test]
    fn other_forms_are_refused() {
        for expression in [
            "daily",
            "rate(1 hour)",
            "cron(0 24 ? * * *)",
            "cron(0 1/25 ? * * *)",
            "cron(0 1/0 ? * * *)",
            "cron(0 +1 ? * * *)",
            "cron(5 * ? * * *)",
            "cron(0 0 * * ? *)",
        ] {
            let error = timetable(expression, "", "").unwrap_err();
            assert!(error.contains(expression), "{error}");
        }
        let refused = |from, to, words: &str| {
            let error = timetable("NOW", from, to).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused("-PT1H", "", "are required");
        refused("-PT1H", "an hour", "Invalid duration: an hour");
        refused("-PT1H", "-PT1H", "must precede");
        refused("-PT25H", "-PT0H", "no more than 24");
        assert!(timetable("NOW", "-PT24H", "-PT0H").is_ok());
    }
}
