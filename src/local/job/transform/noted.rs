//! What a transform job notes for monitors: which objects it read and wrote, and of each inference an id
//! and the time.

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::filter::{Form, lines};
use crate::clock::Timestamp;
use crate::local::engine::Engine;
use crate::local::place::{PlaceError, upload_bytes};

/// `DataCaptureConfig` of a request.
#[derive(Debug)]
pub(super) struct Noted {
    destination: String,
    /// How inferences are written that get ids, if they do.
    ids: Option<Form>,
}

impl Noted {
    /// Reads the member of a request; `None`: nothing is noted.
    pub(super) fn of(given: &Value, accept: &str) -> Result<Option<Self>, String> {
        let Some(destination) = given["DestinationS3Uri"].as_str() else {
            return Ok(None);
        };
        let ids = if given["GenerateInferenceId"] == true {
            let form = Form::of(accept);
            let words = || format!("GenerateInferenceId takes CSV or JSON: Accept is `{accept}`");
            Some(form.ok_or_else(words)?)
        } else {
            None
        };
        Ok(Some(Self {
            destination: destination.trim_end_matches('/').to_owned(),
            ids,
        }))
    }

    /// The inferences of an answer, each with an id and the time where that is asked for.
    pub(super) fn identified(&self, engine: &Engine, answer: Bytes) -> Result<Bytes, String> {
        let Some(form) = self.ids else {
            return Ok(answer);
        };
        identified(form, &answer, engine.now(), || engine.uuid())
    }

    /// Writes the lists of what was read and written: the names below each prefix.
    pub(super) fn list(
        &self,
        engine: &Engine,
        sides: [(&str, &str, &[String]); 2],
    ) -> Result<(), PlaceError> {
        let hour = engine.now().strftime("%Y/%m/%d/%H").to_string();
        let id = engine.uuid();
        for (side, prefix, names) in sides {
            let uri = format!("{}/{side}/{hour}/{id}.json", self.destination);
            let list = manifest(prefix, names).to_string();
            upload_bytes(engine, list.as_bytes(), "application/json", &uri)?;
        }
        Ok(())
    }
}

/// Objects as SageMaker lists them: their common prefix, then their names below it.
fn manifest(prefix: &str, names: &[String]) -> Value {
    let prefix = [json!({"prefix": prefix})];
    prefix
        .into_iter()
        .chain(names.iter().map(|name| json!(name)))
        .collect()
}

fn identified(
    form: Form,
    answer: &Bytes,
    at: Timestamp,
    mut id: impl FnMut() -> String,
) -> Result<Bytes, String> {
    let time = Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string();
    let mut kept = String::new();
    for line in lines(answer) {
        match form {
            Form::Csv => {
                let text = std::str::from_utf8(&line).map_err(|error| error.to_string())?;
                kept.push_str(&[text, &id(), &time].join(","));
            }
            Form::Json => {
                let mut value = match form.read(&line)? {
                    value @ Value::Object(_) => value,
                    other => json!({"SageMakerOutput": other}),
                };
                value["SageMakerInferenceId"] = id().into();
                value["SageMakerInferenceTime"] = time.clone().into();
                kept.push_str(&value.to_string());
            }
        }
        kept.push('\n');
    }
    Ok(kept.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inferences_get_an_id_and_the_time() {
        let check = |form: Form, answer: &'static str, expected: &str| {
            let at = "2026-01-02T03:04:05.6Z".parse().unwrap();
            let mut count = 0;
            let found = identified(form, &Bytes::from(answer), at, || {
                count += 1;
                format!("id{count}")
            });
            assert_eq!(found.unwrap(), expected);
        };
        check(
            Form::Csv,
            "0.5,no\n0.7,yes\n",
            "0.5,no,id1,2026-01-02T03:04:05Z\n0.7,yes,id2,2026-01-02T03:04:05Z\n",
        );
        let json = |member: &str, value: Value| {
            let time = "2026-01-02T03:04:05Z";
            let line = json!({member: value, "SageMakerInferenceId": "id1",
                "SageMakerInferenceTime": time});
            format!("{line}\n")
        };
        check(Form::Json, r#"{"A":1}"#, &json("A", json!(1)));
        check(Form::Json, "0.5", &json("SageMakerOutput", json!(0.5)));
    }

    #[test]
    fn what_is_noted_is_what_is_asked_for() {
        let to = json!({"DestinationS3Uri": "s3://b/noted/", "GenerateInferenceId": true});
        assert!(Noted::of(&json!(null), "text/csv").unwrap().is_none());
        let noted = Noted::of(&to, "text/csv").unwrap().unwrap();
        assert_eq!(noted.destination, "s3://b/noted");
        let error = Noted::of(&to, "image/png").unwrap_err();
        assert!(error.contains("takes CSV or JSON"), "{error}");
        assert_eq!(
            manifest("s3://b/in/", &["a".to_owned()]),
            json!([{"prefix": "s3://b/in/"}, "a"])
        );
    }
}
