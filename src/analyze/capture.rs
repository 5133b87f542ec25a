//! Data capture: what an endpoint was asked and what it answered, as one row or several.

use std::collections::VecDeque;

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

use super::AnalyzeError;
use super::dataset::Dataset;
use super::read::{self, Row};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    capture_data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    endpoint_input: Option<Side>,
    endpoint_output: Option<Side>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Side {
    #[serde(default)]
    observed_content_type: String,
    data: String,
    encoding: Encoding,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Encoding {
    Csv,
    Json,
    Base64,
}

/// Adds the rows of one record: the fields of the answer come first, as the label does in data that
/// a model was trained with.
pub(super) fn record(
    line: &[u8],
    input: bool,
    output: bool,
    dataset: &mut Dataset,
) -> Result<(), AnalyzeError> {
    let Some(rows) = rows(line, input, output) else {
        dataset.skip();
        return Ok(());
    };
    for sides in rows {
        dataset.row();
        let mut at = 0;
        for side in sides {
            side.add(dataset, &mut at)?;
        }
    }
    Ok(())
}

/// What the sides that are wanted say of each row; `None` where they cannot be read, or say it of
/// different numbers of rows.
fn rows(line: &[u8], input: bool, output: bool) -> Option<Vec<Vec<Row>>> {
    let Record { capture_data: data } = serde_json::from_slice(line).ok()?;
    let sides = [
        data.endpoint_output.filter(|_| output),
        data.endpoint_input.filter(|_| input),
    ];
    let sides: Option<Vec<Vec<Row>>> = sides.into_iter().flatten().map(Side::rows).collect();
    let mut sides = sides?;
    if let [output, input] = sides.as_mut_slice() {
        turn(output, input.len());
    }
    let count = sides.first()?.len();
    if sides.iter().any(|side| side.len() != count) {
        return None;
    }
    let mut sides: Vec<VecDeque<Row>> = sides.into_iter().map(VecDeque::from).collect();
    let rows = (0..count).map(|_| sides.iter_mut().filter_map(VecDeque::pop_front).collect());
    Some(rows.collect())
}

/// An answer to several rows may be one line with a value for each.
fn turn(output: &mut Vec<Row>, rows: usize) {
    if let [Row::Fields(fields)] = output.as_slice()
        && rows > 1
        && fields.len() == rows
    {
        *output = fields
            .iter()
            .map(|field| Row::Fields(vec![field.clone()]))
            .collect();
    }
}

impl Side {
    fn rows(self) -> Option<Vec<Row>> {
        match self.encoding {
            Encoding::Csv => csv_rows(&self.data),
            Encoding::Json => json_rows(&self.data),
            // What the content type does not tell to be text is captured so.
            Encoding::Base64 => {
                let bytes = BASE64.decode(self.data.as_bytes()).ok()?;
                let text = String::from_utf8(bytes).ok()?;
                if self.observed_content_type.contains("json") {
                    json_rows(&text)
                } else {
                    csv_rows(&text)
                }
            }
        }
    }
}

fn csv_rows(text: &str) -> Option<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let rows = reader.records().map(|record| {
        let fields = record.ok()?.iter().map(str::to_owned).collect();
        Some(Row::Fields(fields))
    });
    rows.collect()
}

/// One document, or one a line.
fn json_rows(text: &str) -> Option<Vec<Row>> {
    let documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let documents: Option<Vec<Value>> = documents.map(Result::ok).collect();
    Some(documents?.into_iter().flat_map(read::rows).collect())
}
