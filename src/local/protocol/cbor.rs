//! CBOR (RFC 8949), as far as AWS's `rpcv2Cbor` protocol uses it: JSON's values, bytes and times.

use data_encoding::BASE64;
use serde_json::{Map, Number, Value, json};

use super::{Malformed, Refused};
use crate::limits::{CBOR_ITEMS_MAX, PROTOCOL_DEPTH_MAX};
use crate::world::shape::{Member, Shape};

/// The tag of seconds since the epoch.
const TIME: u64 = 1;

/// The body of a request; an empty one is an object without members. Times are numbers, and bytes
/// are base64.
pub(in crate::local) fn read(bytes: &[u8]) -> Result<Value, Malformed> {
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    let body = value(bytes).filter(Value::is_object);
    body.ok_or(Malformed("the request's body is not a map"))
}

/// Reads one value; `None` where the bytes are not one.
fn value(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader {
        bytes,
        at: 0,
        items: 0,
    };
    let value = reader.value(0)?;
    (reader.at == bytes.len()).then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    items: usize,
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
        self.items += 1;
        if depth > PROTOCOL_DEPTH_MAX || self.items > CBOR_ITEMS_MAX {
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
            2 => {
                let bytes = self.chunks(2, low)?;
                Some(BASE64.encode(&bytes).into())
            }
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
        String::from_utf8(self.chunks(3, low)?).ok()
    }

    /// Bytes or text, whole or in pieces of the same kind.
    fn chunks(&mut self, kind: u8, low: u8) -> Option<Vec<u8>> {
        match self.head(low)? {
            Head::Is(length) => {
                let end = self.at.checked_add(usize::try_from(length).ok()?)?;
                let bytes = self.bytes.get(self.at..end)?;
                self.at = end;
                Some(bytes.to_vec())
            }
            Head::Open => {
                let mut whole = Vec::new();
                while !self.ends() {
                    let first = self.byte()?;
                    if first >> 5 != kind || first & 0x1f == 31 {
                        return None;
                    }
                    whole.extend(self.chunks(kind, first & 0x1f)?);
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

/// The body of an answer.
pub(in crate::local) fn write(members: &'static [Member], answer: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_members(&mut bytes, members, answer);
    bytes
}

/// The body of an error.
pub(in crate::local) fn write_error(refused: &Refused<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_head(&mut bytes, 5, 2);
    for (name, text) in [("__type", refused.name), ("message", refused.message)] {
        put_text(&mut bytes, name);
        put_text(&mut bytes, text);
    }
    bytes
}

fn put_members(bytes: &mut Vec<u8>, members: &'static [Member], value: &Value) {
    let found: Vec<_> = members
        .iter()
        .filter_map(|member| {
            let value = value.get(member.name).filter(|value| !value.is_null())?;
            Some((member.name, member.shape()?, value))
        })
        .collect();
    put_head(bytes, 5, found.len() as u64);
    for (name, shape, value) in found {
        put_text(bytes, name);
        put(bytes, Some(shape), value);
    }
}

fn put(bytes: &mut Vec<u8>, shape: Option<&'static Shape>, value: &Value) {
    match (shape, value) {
        (_, Value::Null) => bytes.push(0xf6),
        (_, Value::Bool(flag)) => bytes.push(if *flag { 0xf5 } else { 0xf4 }),
        (Some(Shape::Timestamp), Value::Number(number)) => {
            put_head(bytes, 6, TIME);
            put_float(bytes, number);
        }
        (Some(Shape::Float(_)), Value::Number(number)) => put_float(bytes, number),
        (_, Value::Number(number)) => put_number(bytes, number),
        (Some(Shape::Blob(_)), Value::String(text)) => {
            let plain = BASE64.decode(text.as_bytes()).unwrap_or_default();
            put_head(bytes, 2, plain.len() as u64);
            bytes.extend(plain);
        }
        (_, Value::String(text)) => put_text(bytes, text),
        (shape, Value::Array(items)) => {
            let item = match shape {
                Some(Shape::List(list)) => list.item(),
                _ => None,
            };
            put_head(bytes, 4, items.len() as u64);
            for one in items {
                put(bytes, item, one);
            }
        }
        (Some(Shape::Struct(members)), value) => put_members(bytes, members, value),
        (shape, Value::Object(entries)) => {
            let item = match shape {
                Some(Shape::Map(map)) => map.item(),
                _ => None,
            };
            put_head(bytes, 5, entries.len() as u64);
            for (name, entry) in entries {
                put_text(bytes, name);
                put(bytes, item, entry);
            }
        }
    }
}

fn put_number(bytes: &mut Vec<u8>, number: &Number) {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => put_head(bytes, 0, number),
        (None, Some(number)) => put_head(bytes, 1, number.unsigned_abs() - 1),
        (None, None) => put_float(bytes, number),
    }
}

fn put_float(bytes: &mut Vec<u8>, number: &Number) {
    bytes.push(0xfb);
    bytes.extend(number.as_f64().unwrap_or(0.0).to_be_bytes());
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
    use proptest::prelude::*;

    use super::*;
    use crate::world::shape;

    #[test]
    fn values_read_back_as_they_were_written() {
        for value in [
            json!(null),
            json!([true, false, "é", "", {}]),
            json!({"a": [0, 23, 24, 255, 256, 65_536, 4_294_967_296_u64], "b": {"c": -1}}),
            json!([-24, -25, -256, 1.5, -0.25]),
            json!("x".repeat(300)),
        ] {
            let mut bytes = Vec::new();
            put(&mut bytes, None, &value);
            assert_eq!(super::value(&bytes), Some(value));
        }
    }

    #[test]
    fn the_standards_own_examples_are_read() {
        let check = |hex: &str, expect: Option<Value>| {
            let bytes: Vec<u8> = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
            assert_eq!(value(&bytes), expect, "{hex}");
        };
        check("f93c00", Some(json!(1.0)));
        check("f97bff", Some(json!(65504.0)));
        check("f90001", Some(json!(5.960_464_477_539_063e-8)));
        check("fa47c35000", Some(json!(100_000.0)));
        check("c11a514b67b0", Some(json!(1_363_896_240)));
        check("7f657374726561646d696e67ff", Some(json!("streaming")));
        check("9f018202039f0405ffff", Some(json!([1, [2, 3], [4, 5]])));
        check("4401020304", Some(json!("AQIDBA==")));
        check("5f42010243030405ff", Some(json!("AQIDBAU=")));
        check("bf61610161629f0203ffff", Some(json!({"a": 1, "b": [2, 3]})));
        for wrong in [
            "",
            "18",
            "81",
            "a1",
            "a10101",
            "ff",
            "0101",
            "9b7fffffffffffffff",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn what_is_read_has_bounds() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0]].concat();
        assert!(value(&nested(PROTOCOL_DEPTH_MAX)).is_some());
        assert_eq!(value(&nested(PROTOCOL_DEPTH_MAX + 1)), None);
        let wide = |items: usize| [vec![0x9f], vec![0; items - 1], vec![0xff]].concat();
        assert!(value(&wide(CBOR_ITEMS_MAX)).is_some());
        assert_eq!(value(&wide(CBOR_ITEMS_MAX + 1)), None);
    }

    #[test]
    fn times_and_fractions_are_told_by_their_shapes() {
        let alarm = json!({"Threshold": 2, "Period": 60, "StateUpdatedTimestamp": 1.5});
        let answer = json!({"MetricAlarms": [alarm], "Else": 1});
        let bytes = write(shape::answered("DescribeAlarms"), &answer);
        let read = read(&bytes).unwrap();
        assert_eq!(
            read,
            json!({"MetricAlarms": [{"Threshold": 2.0, "Period": 60, "StateUpdatedTimestamp": 1.5}]})
        );
        assert!(bytes.windows(2).any(|pair| pair == [0xc1, 0xfb]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(read) = value(&bytes) {
                let mut again = Vec::new();
                put(&mut again, None, &read);
                prop_assert_eq!(value(&again), Some(read));
            }
        }
    }
}
