//! The instants of `valid-after` and `valid-before`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;

/// Reads `YYYYMMDD[HHMM[SS]][Z]`. Without `Z` OpenSSH takes the time zone of the machine; here every
/// machine is to judge alike, so it is UTC all the same.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or("0").parse::<i16>().ok();
    let small = |from, to| i8::try_from(part(from, to)?).ok();
    let (date, time) = (
        (part(0, 4)?, small(4, 6)?, small(6, 8)?),
        (small(8, 10)?, small(10, 12)?, small(12, 14)?),
    );
    let at = DateTime::new(date.0, date.1, date.2, time.0, time.1, time.2, 0).ok()?;
    let zoned = at.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_a_day_and_perhaps_a_time() {
        let check = |text, expect: Option<&str>| {
            let expect = expect.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(read(text), expect, "{text}");
        };
        check("20260131", Some("2026-01-31T00:00:00Z"));
        check("20260131Z", Some("2026-01-31T00:00:00Z"));
        check("202601312359", Some("2026-01-31T23:59:00Z"));
        check("20260131235958Z", Some("2026-01-31T23:59:58Z"));
        for bad in [
            "",
            "Z",
            "2026",
            "20260230",
            "20261301",
            "2026013124",
            "202601312460",
            "2026-01-31",
            "+2026013",
            "99999999999999",
        ] {
            check(bad, None);
        }
    }
}
