//! CBOR (RFC 8949), as far as AWS's `rpcv2Cbor` protocol uses it: JSON's values, and times.

use serde_json::{Map, Number, Value};

/// How deep values may be nested.
const DEPTH_MAX: usize = 32;

/// The tag of seconds since the epoch.
const TIME: u64 = 1;

/// Reads one value; `None` where the bytes are not one. Times are numbers, and byte strings are not
/// taken.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.value(0)?;
    (reader.at == bytes.len()).then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What the first byte of an item says of its length or value.
enum Head {
    Is(u64),
    Open,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.bytes.get(self.at..self.at.checked_add(N)?)?;
        self.at += N;
        bytes.try_into().ok()
    }

    fn head(&mut self, low: u8) -> Option<Head> {
        Some(Head::Is(match low {
            0..=23 => u64::from(low),
            24 => u64::from(self.byte()?),
            25 => u64::from(u16::from_be_bytes(self.take()?)),
            26 => u64::from(u32::from_be_bytes(self.take()?)),
            27 => u64::from_be_bytes(self.take()?),
            31 => return Some(Head::Open),
            _ => return None,
        }))
    }

    /// Whether an open item ends here.
    fn ends(&mut self) -> bool {
        let ends = self.bytes.get(self.at) == Some(&0xff);
        self.at += usize::from(ends);
        ends
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        let first = self.byte()?;
        let low = first & 0x1f;
        match first >> 5 {
            0 => match self.head(low)? {
                Head::Is(number) => Some(number.into()),
                Head::Open => None,
            },
            1 => match self.head(low)? {
                Head::Is(number) => Some((-1 - i64::try_from(number).ok()?).into()),
                Head::Open => None,
            },
            3 => self.text(low).map(Value::from),
            4 => self.list(low, depth),
            5 => self.map(low, depth),
            6 => match self.head(low)? {
                Head::Is(TIME) => self.value(depth + 1),
                _ => None,
            },
            7 => self.simple(low),
            _ => None,
        }
    }

    fn text(&mut self, low: u8) -> Option<String> {
        match self.head(low)? {
            Head::Is(length) => {
                let end = self.at.checked_add(usize::try_from(length).ok()?)?;
                let text = std::str::from_utf8(self.bytes.get(self.at..end)?).ok()?;
                self.at = end;
                Some(text.to_owned())
            }
            Head::Open => {
                let mut whole = String::new();
                while !self.ends() {
                    let first = self.byte()?;
                    if first >> 5 != 3 || first & 0x1f == 31 {
                        return None;
                    }
                    whole += &self.text(first & 0x1f)?;
                }
                Some(whole)
            }
        }
    }

    fn list(&mut self, low: u8, depth: usize) -> Option<Value> {
        let head = self.head(low)?;
        let mut items = Vec::new();
        while self.goes_on(&head, items.len())? {
            items.push(self.value(depth + 1)?);
        }
        Some(items.into())
    }

    fn map(&mut self, low: u8, depth: usize) -> Option<Value> {
        let head = self.head(low)?;
        let mut members = Map::new();
        let mut count = 0;
        while self.goes_on(&head, count)? {
            let first = self.byte()?;
            if first >> 5 != 3 {
                return None;
            }
            let key = self.text(first & 0x1f)?;
            members.insert(key, self.value(depth + 1)?);
            count += 1;
        }
        Some(members.into())
    }

    /// Whether a collection of which `count` items were read has another. Every item takes a byte.
    fn goes_on(&mut self, head: &Head, count: usize) -> Option<bool> {
        let more = match head {
            Head::Is(length) => (count as u64) < *length,
            Head::Open => !self.ends(),
        };
        (!more || self.at < self.bytes.len()).then_some(more)
    }

    fn simple(&mut self, low: u8) -> Option<Value> {
        match low {
            20 => Some(false.into()),
            21 => Some(true.into()),
            22 | 23 => Some(Value::Null),
            25 => float(half(u16::from_be_bytes(self.take()?))),
            26 => float(f64::from(f32::from_be_bytes(self.take()?))),
            27 => float(f64::from_be_bytes(self.take()?)),
            _ => None,
        }
    }
}

fn float(number: f64) -> Option<Value> {
    Number::from_f64(number).map(Value::from)
}

/// A number of sixteen bits: a sign, five bits of exponent, ten of mantissa.
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 => f64::INFINITY,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// What kind of number a member is, where JSON does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is.
    Plain,
    /// Seconds since the epoch.
    Time,
    /// A number with a fraction, even where it has none.
    Float,
}

/// Writes a value; `kind` says of a member what its numbers are.
pub(super) fn write(value: &Value, kind: fn(&str) -> Kind) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, value, Kind::Plain, kind);
    bytes
}

fn put(bytes: &mut Vec<u8>, value: &Value, own: Kind, kind: fn(&str) -> Kind) {
    match value {
        Value::Null => bytes.push(0xf6),
        Value::Bool(flag) => bytes.push(if *flag { 0xf5 } else { 0xf4 }),
        Value::Number(number) => put_number(bytes, number, own),
        Value::String(text) => put_text(bytes, text),
        Value::Array(items) => {
            put_head(bytes, 4, items.len() as u64);
            for item in items {
                put(bytes, item, own, kind);
            }
        }
        Value::Object(members) => {
            put_head(bytes, 5, members.len() as u64);
            for (name, member) in members {
                put_text(bytes, name);
                put(bytes, member, kind(name), kind);
            }
        }
    }
}

fn put_number(bytes: &mut Vec<u8>, number: &Number, own: Kind) {
    if own == Kind::Time {
        put_head(bytes, 6, TIME);
    }
    match (own, number.as_u64(), number.as_i64()) {
        (Kind::Plain, Some(number), _) => put_head(bytes, 0, number),
        (Kind::Plain, None, Some(number)) => put_head(bytes, 1, number.unsigned_abs() - 1),
        _ => {
            bytes.push(0xfb);
            bytes.extend(number.as_f64().unwrap_or(0.0).to_be_bytes());
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_head(bytes, 3, text.len() as u64);
    bytes.extend(text.as_bytes());
}

fn put_head(bytes: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    let wide = number.to_be_bytes();
    match number {
        0..=23 => bytes.push(major + wide[7]),
        24..=0xff => bytes.extend([major + 24, wide[7]]),
        0x100..=0xffff => {
            bytes.push(major + 25);
            bytes.extend(&wide[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            bytes.push(major + 26);
            bytes.extend(&wide[4..]);
        }
        _ => {
            bytes.push(major + 27);
            bytes.extend(wide);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(_: &str) -> Kind {
        Kind::Plain
    }

    #[test]
    fn values_read_back_as_they_were_written() {
        for value in [
            json!(null),
            json!([true, false, "é", "", {}]),
            json!({"a": [0, 23, 24, 255, 256, 65_536, 4_294_967_296_u64], "b": {"c": -1}}),
            json!([-24, -25, -256, 1.5, -0.25]),
            json!("x".repeat(300)),
        ] {
            assert_eq!(read(&write(&value, plain)), Some(value));
        }
    }

    #[test]
    fn the_standards_own_examples_are_read() {
        let check = |hex: &str, expect: Option<Value>| {
            let bytes: Vec<u8> = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
            assert_eq!(read(&bytes), expect, "{hex}");
        };
        check("f93c00", Some(json!(1.0)));
        check("f97bff", Some(json!(65504.0)));
        check("f90001", Some(json!(5.960_464_477_539_063e-8)));
        check("fa47c35000", Some(json!(100_000.0)));
        check("c11a514b67b0", Some(json!(1_363_896_240)));
        check("7f657374726561646d696e67ff", Some(json!("streaming")));
        check("9f018202039f0405ffff", Some(json!([1, [2, 3], [4, 5]])));
        check("bf61610161629f0203ffff", Some(json!({"a": 1, "b": [2, 3]})));
        for wrong in [
            "",
            "18",
            "81",
            "a1",
            "a10101",
            "4101",
            "ff",
            "0101",
            "9b7fffffffffffffff",
        ] {
            check(wrong, None);
        }
        check(&"81".repeat(40), None);
    }

    #[test]
    fn times_and_fractions_are_told_by_their_members() {
        let kind = |name: &str| match name {
            "T" => Kind::Time,
            "F" => Kind::Float,
            _ => Kind::Plain,
        };
        let bytes = write(&json!({"T": 1.5}), kind);
        assert_eq!(bytes[..4], [0xa1, 0x61, b'T', 0xc1]);
        let bytes = write(&json!({"F": 2}), kind);
        assert_eq!(read(&bytes), Some(json!({"F": 2.0})));
    }
}
