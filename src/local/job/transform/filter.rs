//! `DataProcessing`: parts of records are sent, joined with their inferences, and kept.

use hyper::body::Bytes;
use serde_json::{Map, Value};
use serde_json_path::JsonPath;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Json,
}

/// What is done with each record beyond sending it.
#[derive(Debug)]
pub(super) struct DataProcessing {
    form: Form,
    input: Option<Selector>,
    output: Option<Selector>,
    join: bool,
}

impl DataProcessing {
    /// Reads the member of a request; `None`: records are sent and kept as they are.
    pub(super) fn of(
        given: &Value,
        content_type: &str,
        accept: &str,
    ) -> Result<Option<Self>, String> {
        let selector = |name: &str| match given[name].as_str() {
            None | Some("$" | "") => Ok(None),
            Some(path) => Selector::parse(path).map(Some),
        };
        let (input, output) = (selector("InputFilter")?, selector("OutputFilter")?);
        let join = given["JoinSource"] == "Input";
        if input.is_none() && output.is_none() && !join {
            return Ok(None);
        }
        let form = Form::of(content_type);
        let form = form.filter(|form| accept.is_empty() || Form::of(accept) == Some(*form));
        let form = form.ok_or_else(|| {
            format!(
                "DataProcessing takes CSV or JSON, the same in and out: ContentType is \
                 `{content_type}`, Accept is `{accept}`"
            )
        })?;
        Ok(Some(Self {
            form,
            input,
            output,
            join,
        }))
    }

    /// What is sent of a record.
    pub(super) fn sent(&self, record: &Bytes) -> Result<Bytes, String> {
        let Some(filter) = &self.input else {
            return Ok(record.clone());
        };
        let value = filter.pick(&self.form.read(record)?)?;
        self.form.write(&value).map(Bytes::from)
    }

    /// What is kept of an answer to these records: a line for each.
    pub(super) fn kept(&self, records: &[Bytes], answer: &Bytes) -> Result<Bytes, String> {
        if self.output.is_none() && !self.join {
            return Ok(answer.clone());
        }
        let inferences = match records {
            [_] => vec![self.form.read(answer)?],
            _ => lines(answer)
                .map(|line| self.form.read(&line))
                .collect::<Result<_, _>>()?,
        };
        if inferences.len() != records.len() {
            return Err(format!(
                "{} records were sent and {} inferences came back",
                records.len(),
                inferences.len()
            ));
        }
        let mut kept = String::new();
        for (record, inference) in records.iter().zip(inferences) {
            let whole = if self.join {
                joined(self.form.read(record)?, inference)
            } else {
                inference
            };
            let part = match &self.output {
                Some(filter) => filter.pick(&whole)?,
                None => whole,
            };
            kept.push_str(&self.form.write(&part)?);
            kept.push('\n');
        }
        Ok(Bytes::from(kept))
    }
}

/// A record and its inference in one.
fn joined(record: Value, inference: Value) -> Value {
    match (record, inference) {
        (Value::Array(mut columns), Value::Array(more)) => {
            columns.extend(more);
            Value::Array(columns)
        }
        (Value::Object(mut members), inference) => {
            members.insert("SageMakerOutput".to_owned(), inference);
            Value::Object(members)
        }
        (record, inference) => {
            let mut both = Map::new();
            both.insert("SageMakerInput".to_owned(), record);
            both.insert("SageMakerOutput".to_owned(), inference);
            Value::Object(both)
        }
    }
}

impl Form {
    /// How records of a media type are written.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let plain = content_type.split(';').next().unwrap_or_default().trim();
        match plain {
            "text/csv" => Some(Self::Csv),
            "application/json" | "application/jsonlines" => Some(Self::Json),
            _ => None,
        }
    }

    /// A record as a value: a row of CSV is a list of texts.
    pub(super) fn read(self, record: &[u8]) -> Result<Value, String> {
        match self {
            Self::Json => serde_json::from_slice(record)
                .map_err(|error| format!("a record or an inference is not JSON: {error}")),
            Self::Csv => {
                let mut reader = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .from_reader(record);
                let mut rows = reader.records();
                match (rows.next(), rows.next()) {
                    (Some(Ok(row)), None) => Ok(row.iter().map(Value::from).collect()),
                    (Some(Err(error)), _) | (_, Some(Err(error))) => {
                        Err(format!("a record or an inference is not CSV: {error}"))
                    }
                    (None, _) => Err("an inference is empty".to_owned()),
                    (Some(_), Some(_)) => {
                        Err("one record was sent and several inferences came back".to_owned())
                    }
                }
            }
        }
    }

    fn write(self, value: &Value) -> Result<String, String> {
        if self == Self::Json {
            return Ok(value.to_string());
        }
        let columns = match value {
            Value::Array(columns) => columns.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let columns = columns.iter();
        let columns = columns.map(|column| column.as_str().unwrap_or_default());
        let failed = |error: &dyn std::fmt::Display| format!("cannot write CSV: {error}");
        writer
            .write_record(columns)
            .map_err(|error| failed(&error))?;
        let row = writer.into_inner().map_err(|error| failed(&error))?;
        let row = String::from_utf8(row).map_err(|error| failed(&error))?;
        Ok(row.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// The lines of a text that have anything in them.
pub(super) fn lines(text: &Bytes) -> impl Iterator<Item = Bytes> {
    let parts = text.split(|byte| *byte == b'\n');
    let parts = parts.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    parts
        .filter(|line| !line.is_empty())
        .map(|line| text.slice_ref(line))
}

/// A path of the service's subset of `JSONPath`.
#[derive(Debug)]
struct Selector {
    source: String,
    path: JsonPath,
    many: Many,
}

/// What a path selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Many {
    /// One value.
    One,
    /// Named members: an object of those.
    Members,
    /// Any number of values: a list.
    List,
}

impl Selector {
    fn parse(source: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{source}` is not a path that the service knows: {why}");
        let bare = unquoted(source);
        if bare.contains("..") || bare.contains(['?', '@', '(']) {
            return Err(wrong("it knows no descent, filters or functions"));
        }
        let path = source.replace(".[", "[");
        let path = JsonPath::parse(&path).map_err(|error| wrong(&error.to_string()))?;
        let many = if bare.contains(['*', ':']) {
            Many::List
        } else if !bare.contains(',') {
            Many::One
        } else if source.contains(['\'', '"']) {
            Many::Members
        } else {
            Many::List
        };
        Ok(Self {
            source: source.to_owned(),
            path,
            many,
        })
    }

    fn pick(&self, value: &Value) -> Result<Value, String> {
        let found = self.path.query_located(value);
        match self.many {
            Many::One => {
                let one = found.exactly_one().ok();
                let one = one.map(|found| found.node().clone());
                one.ok_or_else(|| format!("a record has nothing at `{}`", self.source))
            }
            Many::List => Ok(found.nodes().cloned().collect()),
            Many::Members => {
                let members = found.iter().filter_map(|one| {
                    let name = one.location().last()?.as_name()?;
                    Some((name.to_owned(), one.node().clone()))
                });
                Ok(Value::Object(members.collect()))
            }
        }
    }
}

/// A path without what stands in quotes.
fn unquoted(source: &str) -> String {
    let mut outside = String::new();
    let mut rest = source;
    while let Some(at) = rest.find(['\'', '"']) {
        let (before, quoted) = rest.split_at(at);
        outside.push_str(before);
        let (quote, inside) = quoted.split_at(1);
        rest = inside.split_once(quote).map_or("", |(_, after)| after);
    }
    outside + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_select_values_lists_and_members() {
        let value = json!({"id": 7, "x": {"a": 1, "b,c": 2}, "row": [1, 2, 3, 4]});
        let check = |path: &str, found: Option<Value>| {
            let picked = Selector::parse(path).unwrap().pick(&value).ok();
            assert_eq!(picked, found, "{path}");
        };
        check("$.id", Some(json!(7)));
        check("$['x'].a", Some(json!(1)));
        check("$['x']['b,c']", Some(json!(2)));
        check("$.row[1:]", Some(json!([2, 3, 4])));
        check("$.row[0,-1]", Some(json!([1, 4])));
        check("$.row[-1]", Some(json!(4)));
        check("$.x.*", Some(json!([1, 2])));
        check("$['id','row']", Some(json!({"id": 7, "row": [1, 2, 3, 4]})));
        check("$.x.['a','b,c']", Some(json!({"a": 1, "b,c": 2})));
        check("$.none", None);
        for wrong in ["$..id", "$.row[?@ > 1]", "id", "$.row[", "$[length(@)]"] {
            assert!(Selector::parse(wrong).is_err(), "{wrong}");
        }
    }

    fn check(content_type: &str, given: Value, records: &[&str], sent: &[&str], rest: [&str; 2]) {
        let processing = DataProcessing::of(&given, content_type, "").unwrap();
        let processing = processing.unwrap();
        let records: Vec<Bytes> = records
            .iter()
            .map(|one| Bytes::from((*one).to_owned()))
            .collect();
        let found = records.iter().map(|one| processing.sent(one).unwrap());
        assert_eq!(found.collect::<Vec<_>>(), sent, "{given}");
        let [answer, kept] = rest.map(|text| Bytes::from(text.to_owned()));
        assert_eq!(processing.kept(&records, &answer).unwrap(), kept, "{given}");
    }

    #[test]
    fn rows_are_cut_joined_and_cut_again() {
        check(
            "text/csv; charset=utf-8",
            json!({"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}),
            &["a,1,\"x,y\"", "b,3,4"],
            &["1,\"x,y\"", "3,4"],
            ["0.5\n0.25\n", "a,0.5\nb,0.25\n"],
        );
        check(
            "text/csv",
            json!({"InputFilter": "$[1]", "JoinSource": "Input"}),
            &["a,1"],
            &["1"],
            ["5,6\n", "a,1,5,6\n"],
        );
    }

    #[test]
    fn objects_get_their_inference_as_a_member() {
        check(
            "application/jsonlines",
            json!({
                "InputFilter": "$.x", "JoinSource": "Input",
                "OutputFilter": "$['id','SageMakerOutput']",
            }),
            &["{\"id\": 1, \"x\": [2]}", "{\"id\": 2, \"x\": [3]}"],
            &["[2]", "[3]"],
            [
                "{\"y\": 4}\n{\"y\": 5}\n",
                "{\"SageMakerOutput\":{\"y\":4},\"id\":1}\n{\"SageMakerOutput\":{\"y\":5},\"id\":2}\n",
            ],
        );
        check(
            "application/json",
            json!({"JoinSource": "Input"}),
            &["3"],
            &["3"],
            [
                "{\"y\": 4}",
                "{\"SageMakerInput\":3,\"SageMakerOutput\":{\"y\":4}}\n",
            ],
        );
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let join = json!({"JoinSource": "Input"});
        let of = |content_type, accept| DataProcessing::of(&join, content_type, accept);
        assert!(of("text/csv", "text/csv").is_ok());
        let error = of("text/csv", "application/json").unwrap_err();
        assert!(error.contains("the same in and out"), "{error}");
        assert!(of("image/png", "").is_err());
        let plain = json!({"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"});
        let none = DataProcessing::of(&plain, "image/png", "").unwrap();
        assert!(none.is_none());

        let processing = of("text/csv", "").unwrap().unwrap();
        let records = [Bytes::from("1"), Bytes::from("2")];
        let answer = Bytes::from("5\n");
        let error = processing.kept(&records, &answer).unwrap_err();
        assert_eq!(error, "2 records were sent and 1 inferences came back");
        let error = processing.kept(&records[..1], &Bytes::from("5\n6\n"));
        assert!(error.unwrap_err().contains("several inferences"));
    }
}
