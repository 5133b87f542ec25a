//! Inputs are cut into records, records are packed into payloads, answers become one output.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use hyper::body::Bytes;

use super::filter::lines;
use super::request::{Cut, Manner};

/// Records that are sent at once: as they were, and as they are sent.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) records: Vec<Bytes>,
    pub(super) payload: Bytes,
}

/// The bytes of an input, unpacked where they are packed; `most` of them.
pub(super) fn unpacked(bytes: Vec<u8>, gzip: bool, most: usize) -> Result<Bytes, String> {
    let bytes = if gzip {
        let one_more = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        let mut plain = Vec::new();
        let mut reader = MultiGzDecoder::new(bytes.as_slice()).take(one_more);
        reader
            .read_to_end(&mut plain)
            .map_err(|error| format!("it is not gzip: {error}"))?;
        plain
    } else {
        bytes
    };
    if bytes.len() > most {
        return Err(format!("it is longer than {most} bytes"));
    }
    Ok(Bytes::from(bytes))
}

/// Cuts an input into records and packs them, in their order.
pub(super) fn batches(input: &Bytes, manner: &Manner) -> Result<Vec<Batch>, String> {
    let records: Vec<Bytes> = match manner.cut {
        Cut::Whole => vec![input.clone()],
        Cut::Rows | Cut::Single | Cut::Multi => lines(input).collect(),
    };
    let mut batches: Vec<Batch> = Vec::new();
    let (mut packed, mut length) = (Vec::new(), 0);
    for record in records {
        let sent = match &manner.processing {
            Some(processing) => processing.sent(&record)?,
            None => record.clone(),
        };
        let full = match manner.cut {
            Cut::Single => true,
            Cut::Multi => length + sent.len() > manner.payload_max,
            Cut::Whole | Cut::Rows => false,
        };
        if full && !packed.is_empty() {
            batches.push(packed_up(std::mem::take(&mut packed)));
            length = 0;
        }
        length += sent.len() + 1;
        packed.push((record, sent));
    }
    if !packed.is_empty() {
        batches.push(packed_up(packed));
    }
    let too_long = |batch: &&Batch| batch.payload.len() > manner.payload_max;
    if let Some(batch) = batches.iter().find(too_long) {
        return Err(format!(
            "a payload of {} bytes is longer than MaxPayloadInMB allows ({} bytes)",
            batch.payload.len(),
            manner.payload_max
        ));
    }
    Ok(batches)
}

fn packed_up(packed: Vec<(Bytes, Bytes)>) -> Batch {
    let (records, sent): (Vec<Bytes>, Vec<Bytes>) = packed.into_iter().unzip();
    let payload = match sent.as_slice() {
        [one] => one.clone(),
        several => Bytes::from(several.join(&b'\n')),
    };
    Batch { records, payload }
}

/// Puts the answers together, in the order of what was sent.
pub(super) fn assembled(answers: &[Bytes], by_line: bool) -> Vec<u8> {
    let mut output = Vec::new();
    for answer in answers {
        if by_line {
            output.extend_from_slice(answer.trim_ascii_end());
            output.push(b'\n');
        } else {
            output.extend_from_slice(answer);
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::{Value, json};

    use super::*;
    use crate::limits::TRANSFORM_OBJECT_BYTES_MAX;

    fn manner(extra: Value) -> Manner {
        let mut request = json!({
            "TransformInput": {
                "ContentType": "text/csv", "SplitType": "Line",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}},
            },
            "TransformOutput": {"S3OutputPath": "s3://b/out"},
        });
        for (member, value) in extra.as_object().unwrap() {
            request[member] = value.clone();
        }
        Manner::of(&request).unwrap()
    }

    fn payloads(input: &str, manner: &Manner) -> Vec<String> {
        let batches = batches(&Bytes::from(input.to_owned()), manner).unwrap();
        let payloads = batches.into_iter();
        payloads
            .map(|batch| String::from_utf8(batch.payload.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn records_are_sent_alone_or_as_many_as_fit() {
        let single = manner(json!({"BatchStrategy": "SingleRecord"}));
        assert_eq!(payloads("1,2\r\n\n3,4\n", &single), ["1,2", "3,4"]);
        let mut several = manner(json!({"MaxPayloadInMB": 1}));
        assert_eq!(payloads("1,2\n3,4\n5,6", &several), ["1,2\n3,4\n5,6"]);
        several.payload_max = 7;
        assert_eq!(payloads("1,2\n3,4\n5,6", &several), ["1,2\n3,4", "5,6"]);
        several.payload_max = 2;
        let error = batches(&Bytes::from("1,2\n"), &several).unwrap_err();
        assert!(error.contains("3 bytes is longer than"), "{error}");
        assert_eq!(payloads("", &several), Vec::<String>::new());

        let whole = manner(json!({
            "TransformInput": {"ContentType": "text/csv"},
            "DataProcessing": {"InputFilter": "$[1:]"},
        }));
        assert_eq!(payloads("a,1\nb,2\n", &whole), ["1\n2"]);
        let whole = manner(json!({"TransformInput": {"ContentType": "text/csv"}}));
        assert_eq!(payloads("a,1\nb,2\n", &whole), ["a,1\nb,2\n"]);
    }

    #[test]
    fn answers_follow_each_other() {
        let answers = [Bytes::from("1"), Bytes::from("2\n"), Bytes::from("3\n4\n")];
        assert_eq!(assembled(&answers, true), b"1\n2\n3\n4\n");
        assert_eq!(assembled(&answers, false), b"12\n3\n4\n");
    }

    #[test]
    fn inputs_are_unpacked_within_a_bound() {
        let packed = |bytes: &[u8]| {
            let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        };
        let plain = || b"1,2\n".to_vec();
        assert_eq!(unpacked(packed(b"1,2\n"), true, 4).unwrap(), "1,2\n");
        assert_eq!(unpacked(plain(), false, 4).unwrap(), "1,2\n");
        let error = unpacked(plain(), true, 4).unwrap_err();
        assert!(error.contains("it is not gzip"), "{error}");
        let error = unpacked(packed(b"1,2\n"), true, 3).unwrap_err();
        assert_eq!(error, "it is longer than 3 bytes");
        let long = vec![0; TRANSFORM_OBJECT_BYTES_MAX + 1];
        let error = unpacked(long, false, TRANSFORM_OBJECT_BYTES_MAX).unwrap_err();
        assert!(error.contains("longer than"), "{error}");
    }
}
