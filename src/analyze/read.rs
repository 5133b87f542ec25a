//! The files of a dataset: their records, one after the other.

use std::io::{self, BufRead as _, BufReader, Read};

use serde_json::{Map, Value};

use super::AnalyzeError;
use super::capture;
use super::dataset::Dataset;
use crate::limits::ANALYZED_RECORD_BYTES_MAX;

/// How the files of a dataset are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv {
        /// Whether the first record of each file names the columns.
        header: bool,
    },
    /// JSON.
    Json {
        /// Whether each line is a document, and not each file.
        lines: bool,
    },
    /// What an endpoint's data capture writes.
    Capture {
        /// Whether what was asked is part of a row.
        input: bool,
        /// Whether what was answered is, before it.
        output: bool,
    },
}

/// Adds the rows of one file.
pub(super) fn file(
    format: &Format,
    file: impl Read,
    dataset: &mut Dataset,
) -> Result<(), AnalyzeError> {
    match *format {
        Format::Csv { header } => csv(file, header, dataset),
        Format::Json { lines: false } => {
            let mut whole = Vec::new();
            let most = ANALYZED_RECORD_BYTES_MAX as u64;
            file.take(most + 1).read_to_end(&mut whole)?;
            if whole.len() > ANALYZED_RECORD_BYTES_MAX {
                return Err(AnalyzeError::Long);
            }
            json(&whole, dataset)
        }
        Format::Json { lines: true } => lines(file, |line| json(line, dataset)),
        Format::Capture { input, output } => {
            lines(file, |line| capture::record(line, input, output, dataset))
        }
    }
}

fn csv(file: impl Read, header: bool, dataset: &mut Dataset) -> Result<(), AnalyzeError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(Bounded::new(file));
    let mut record = csv::ByteRecord::new();
    let mut named = !header;
    loop {
        reader.get_mut().refill();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(_) if reader.get_ref().left == 0 => return Err(AnalyzeError::Long),
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let fields = record.iter().map(String::from_utf8_lossy);
        if !named {
            named = true;
            let names: Vec<_> = fields.collect();
            dataset.header(names.iter().map(AsRef::as_ref));
            continue;
        }
        dataset.row();
        for (at, field) in fields.enumerate() {
            dataset.field(at, &field)?;
        }
    }
}

/// Hands out so many bytes and then fails, until it is filled again.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R> Bounded<R> {
    fn new(inner: R) -> Self {
        Self { inner, left: 0 }
    }

    fn refill(&mut self) {
        self.left = ANALYZED_RECORD_BYTES_MAX;
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the record is too long"));
        }
        let most = buffer.len().min(self.left);
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

fn lines(
    file: impl Read,
    mut each: impl FnMut(&[u8]) -> Result<(), AnalyzeError>,
) -> Result<(), AnalyzeError> {
    let mut file = BufReader::new(file);
    let most = ANALYZED_RECORD_BYTES_MAX as u64;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut file).take(most + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if read > ANALYZED_RECORD_BYTES_MAX {
            return Err(AnalyzeError::Long);
        }
        if !line.trim_ascii().is_empty() {
            each(&line)?;
        }
    }
}

/// Adds the rows of one document: an object is one, a list holds several.
fn json(bytes: &[u8], dataset: &mut Dataset) -> Result<(), AnalyzeError> {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        dataset.skip();
        return Ok(());
    };
    for row in rows(document) {
        dataset.row();
        row.add(dataset, &mut 0)?;
    }
    Ok(())
}

/// A row of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    /// Values by their places.
    Fields(Vec<String>),
    /// Values by their names.
    Members(Vec<(String, String)>),
}

impl Row {
    /// Adds its values to the row that was begun; fields have places from `at` on.
    pub(super) fn add(&self, dataset: &mut Dataset, at: &mut usize) -> Result<(), AnalyzeError> {
        match self {
            Self::Fields(fields) => {
                for field in fields {
                    dataset.field(*at, field)?;
                    *at += 1;
                }
            }
            Self::Members(members) => {
                for (name, value) in members {
                    dataset.member(name, value)?;
                }
            }
        }
        Ok(())
    }
}

/// The rows of a document.
pub(super) fn rows(document: Value) -> Vec<Row> {
    match document {
        Value::Array(items) if items.iter().all(|item| item.is_array() || item.is_object()) => {
            items.into_iter().flat_map(rows).collect()
        }
        Value::Array(items) => vec![Row::Fields(items.into_iter().map(text).collect())],
        Value::Object(members) => {
            let mut flat = Vec::new();
            flatten("", members, &mut flat);
            vec![Row::Members(flat)]
        }
        value => vec![Row::Fields(vec![text(value)])],
    }
}

/// Members of members are named by both names, elements of lists by their number.
fn flatten(prefix: &str, members: Map<String, Value>, flat: &mut Vec<(String, String)>) {
    for (name, value) in members {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(members) => flatten(&format!("{name}_"), members, flat),
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                let items = items.map(|(at, item)| (at.to_string(), item));
                flatten(&format!("{name}_"), items.collect(), flat);
            }
            value => flat.push((name, text(value))),
        }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        value => value.to_string(),
    }
}
