//! When a rule or a schedule is due: `rate(…)`, `cron(…)` and `at(…)`, all in UTC.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use crate::clock::{SignedDuration, Timestamp};

/// Days that are looked at for the next one of a `cron`: in eight years every day of a month falls on
/// every day of a week, and there is a 29th of February.
const DAYS_MOST: usize = 366 * 8;
const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Timing {
    /// Again and again, so much later each time.
    Rate(SignedDuration),
    /// Once.
    At(Timestamp),
    Cron(Box<Cron>),
}

/// Which minutes are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    days: Days,
    months: BTreeSet<u16>,
    years: BTreeSet<u16>,
}

/// Which days are due: either of a month or of a week.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<u16>),
    /// The last one of a month.
    Last,
    /// The working day nearest to one.
    NearWeekday(u16),
    /// The last working day of a month.
    LastWeekday,
    /// Sunday is 1.
    OfWeek(BTreeSet<u16>),
    /// The last such day of a month.
    LastOfWeek(u16),
    /// The first such day of a month, the second and so on.
    NthOfWeek(u16, u16),
}

impl Timing {
    /// Reads an expression.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('(')?;
        let inside = rest.strip_suffix(')')?.trim();
        match kind {
            "rate" => rate(inside).map(Self::Rate),
            "at" => {
                let at: DateTime = inside.parse().ok()?;
                Some(Self::At(at.to_zoned(TimeZone::UTC).ok()?.timestamp()))
            }
            "cron" => Some(Self::Cron(Box::new(Cron::read(inside)?))),
            _ => None,
        }
    }

    /// The first instant after `now` at which it is due, of what began at `start`.
    pub(super) fn next(&self, start: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(*at).filter(|at| *at > now),
            Self::Rate(every) => {
                let passed = now.duration_since(start).as_secs().max(0);
                let turns = passed / every.as_secs() + 1;
                let wait = SignedDuration::from_secs(turns.checked_mul(every.as_secs())?);
                start.checked_add(wait).ok()
            }
            Self::Cron(cron) => cron.next(now),
        }
    }
}

fn rate(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    let unit = unit.trim();
    let one = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    // The service knows one minute, and two minutes.
    (unit.ends_with('s') == (number > 1)).then_some(())?;
    number.checked_mul(one).map(SignedDuration::from_secs)
}

impl Cron {
    fn read(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.split_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields.as_slice() else {
            return None;
        };
        let days = match (*of_month, *of_week) {
            (of_month, "?") => days_of_month(of_month)?,
            ("?", of_week) => days_of_week(of_week)?,
            _ => return None,
        };
        Some(Self {
            minutes: set(minutes, 0, 59, &[])?,
            hours: set(hours, 0, 23, &[])?,
            days,
            months: set(months, 1, 12, MONTHS)?,
            years: set(years, 1970, 2199, &[])?,
        })
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let now = TimeZone::UTC.to_datetime(now);
        let mut date = now.date();
        let from = self.years.range(number(date.year())..).next()?;
        if *from > number(date.year()) {
            date = Date::new(i16::try_from(*from).ok()?, 1, 1).ok()?;
        }
        for _ in 0..DAYS_MOST {
            if self.is_due_on(date)
                && let Some(at) = self.times(date).find(|at| *at > now)
            {
                return Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp());
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> {
        let hours = self.hours.iter();
        hours.flat_map(move |hour| {
            let minutes = self.minutes.iter();
            minutes.filter_map(move |minute| {
                let (hour, minute) = (i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?);
                Some(date.at(hour, minute, 0, 0))
            })
        })
    }

    fn is_due_on(&self, date: Date) -> bool {
        self.years.contains(&number(date.year()))
            && self.months.contains(&number(date.month()))
            && self.days.take(date)
    }
}

impl Days {
    fn take(&self, date: Date) -> bool {
        let (day, last) = (number(date.day()), number(date.days_in_month()));
        let of_week = weekday(date);
        match self {
            Self::OfMonth(days) => days.contains(&day),
            Self::Last => day == last,
            Self::NearWeekday(wanted) => near_weekday(date, *wanted) == Some(date),
            Self::LastWeekday => near_weekday(date, last) == Some(date),
            Self::OfWeek(days) => days.contains(&of_week),
            Self::LastOfWeek(wanted) => of_week == *wanted && day + 7 > last,
            Self::NthOfWeek(wanted, nth) => of_week == *wanted && day.div_ceil(7) == *nth,
        }
    }
}

/// The working day nearest to a day of a month, in that month.
fn near_weekday(date: Date, wanted: u16) -> Option<Date> {
    let last = number(date.days_in_month());
    let day = |day: u16| Date::new(date.year(), date.month(), i8::try_from(day).ok()?).ok();
    let at = day(wanted)?;
    match at.weekday() {
        Weekday::Saturday if wanted == 1 => day(3),
        Weekday::Saturday => day(wanted - 1),
        Weekday::Sunday if wanted == last => day(wanted - 2),
        Weekday::Sunday => day(wanted + 1),
        _ => Some(at),
    }
}

/// Sunday is 1.
fn weekday(date: Date) -> u16 {
    number(date.weekday().to_sunday_one_offset())
}

fn number(small: impl Into<i32>) -> u16 {
    u16::try_from(small.into()).unwrap_or(0)
}

fn days_of_month(text: &str) -> Option<Days> {
    match text {
        "L" => Some(Days::Last),
        "LW" => Some(Days::LastWeekday),
        text => match text.strip_suffix('W') {
            Some(day) => one(day, 1, 31, &[]).map(Days::NearWeekday),
            None => set(text, 1, 31, &[]).map(Days::OfMonth),
        },
    }
}

fn days_of_week(text: &str) -> Option<Days> {
    if let Some((day, nth)) = text.split_once('#') {
        let nth = one(nth, 1, 5, &[])?;
        return Some(Days::NthOfWeek(one(day, 1, 7, WEEKDAYS)?, nth));
    }
    match text.strip_suffix('L') {
        Some("") => Some(Days::OfWeek([7].into())),
        Some(day) => one(day, 1, 7, WEEKDAYS).map(Days::LastOfWeek),
        None => set(text, 1, 7, WEEKDAYS).map(Days::OfWeek),
    }
}

/// Numbers, ranges and steps, separated by commas; `names` are those of the numbers from `least` on.
fn set(text: &str, least: u16, most: u16, names: &[&str]) -> Option<BTreeSet<u16>> {
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(one(step, 1, most, &[])?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (one(from, least, most, names)?, one(to, least, most, names)?),
            None => {
                let from = one(range, least, most, names)?;
                (from, if step.is_some() { most } else { from })
            }
        };
        // A range may go over the end: from Friday to Monday.
        let numbers: Vec<_> = if from <= to {
            (from..=to).collect()
        } else {
            (from..=most).chain(least..=to).collect()
        };
        all.extend(numbers.into_iter().step_by(usize::from(step.unwrap_or(1))));
    }
    Some(all)
}

fn one(text: &str, least: u16, most: u16, names: &[&str]) -> Option<u16> {
    let named = names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text));
    let number = match named {
        Some(at) => u16::try_from(at).ok()? + least,
        None => text.parse().ok()?,
    };
    (least..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, now: &str, expect: &str) {
        let now: Timestamp = now.parse().unwrap();
        let start: Timestamp = "2026-01-01T00:00:30Z".parse().unwrap();
        let next = Timing::read(text).unwrap().next(start, now);
        let next = next.map_or_else(|| "never".to_owned(), |next| next.to_string());
        assert_eq!(next, expect, "{text} after {now}");
    }

    #[test]
    fn rates_count_from_their_start() {
        check(
            "rate(5 minutes)",
            "2026-01-01T00:00:30Z",
            "2026-01-01T00:05:30Z",
        );
        check(
            "rate(1 hour)",
            "2026-01-01T01:00:30Z",
            "2026-01-01T02:00:30Z",
        );
        check(
            "rate(2 days)",
            "2026-01-04T00:00:00Z",
            "2026-01-05T00:00:30Z",
        );
        check(
            "at(2026-02-01T10:00:00)",
            "2026-01-31T00:00:00Z",
            "2026-02-01T10:00:00Z",
        );
        check("at(2026-02-01T10:00:00)", "2026-02-01T10:00:00Z", "never");
    }

    #[test]
    fn minutes_are_found_by_their_fields() {
        let now = "2026-01-14T10:07:00Z";
        for (text, expect) in [
            ("cron(0/15 * * * ? *)", "2026-01-14T10:15:00Z"),
            ("cron(7 10 * * ? *)", "2026-01-15T10:07:00Z"),
            ("cron(0 18 ? * MON-FRI *)", "2026-01-14T18:00:00Z"),
            ("cron(0 9 ? * FRI-MON *)", "2026-01-16T09:00:00Z"),
            ("cron(0 0 1,15 * ? *)", "2026-01-15T00:00:00Z"),
            ("cron(0 0 L FEB ? *)", "2026-02-28T00:00:00Z"),
            ("cron(0 0 29 2 ? *)", "2028-02-29T00:00:00Z"),
            ("cron(0 0 LW * ? *)", "2026-01-30T00:00:00Z"),
            ("cron(0 0 1W 2 ? *)", "2026-02-02T00:00:00Z"),
            ("cron(0 0 ? * 6L *)", "2026-01-30T00:00:00Z"),
            ("cron(0 0 ? * TUE#3 *)", "2026-01-20T00:00:00Z"),
            ("cron(30 6 1 1 ? 2190)", "2190-01-01T06:30:00Z"),
            ("cron(0 0 1 1 ? 2025)", "never"),
            ("cron(0 0 31 4 ? *)", "never"),
        ] {
            check(text, now, expect);
        }
    }

    #[test]
    fn what_is_no_expression_is_not_read() {
        for wrong in [
            "",
            "rate(5)",
            "rate(0 minutes)",
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(5 weeks)",
            "rate(9223372036854775807 days)",
            "cron(* * * * * *)",
            "cron(0 0 ? * ? *)",
            "cron(60 0 * * ? *)",
            "cron(0 0 * * ?)",
            "cron(0/0 0 * * ? *)",
            "at(tomorrow)",
            "every(5 minutes)",
            "rate(5 minutes",
            "cron(0 0 ? * 8 *)",
            "cron(é 0 * * ? *)",
        ] {
            assert_eq!(Timing::read(wrong), None, "{wrong}");
        }
    }
}
