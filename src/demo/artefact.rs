//! What training leaves behind, read and computed anew: the model's numbers out of its archive, and
//! what they say about an application.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

/// The file with the model's numbers.
const MODEL_FILE: &str = "model.json";
/// Bytes of it that are read.
const MODEL_BYTES_MAX: u64 = 1024 * 1024;

/// The model in a `model.tar.gz`; in words why there is none.
pub(super) fn model(archive: &[u8]) -> Result<Value, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let entries = archive.entries().map_err(|error| error.to_string())?;
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        let path = entry.path().map_err(|error| error.to_string())?;
        if path.strip_prefix("./").unwrap_or(&path) == Path::new(MODEL_FILE) {
            let file = entry.take(MODEL_BYTES_MAX);
            return serde_json::from_reader(file).map_err(|error| error.to_string());
        }
    }
    Err(format!("no {MODEL_FILE} in the archive"))
}

/// The probability of a denial: a logistic function of the weighted terms. A term is a column, or
/// the indicator of one word of it, less its mean and divided by its scale. What is missing, or a
/// word that was never seen, counts as the mean.
pub(super) fn probability(model: &Value, application: &Value) -> Option<f64> {
    let weights = model["coefficients"].as_array()?;
    let terms = model["encoder"]["terms"].as_array()?;
    if weights.len() != terms.len() || terms.is_empty() {
        return None;
    }
    let mut score = model["intercept"].as_f64()?;
    for (weight, term) in weights.iter().zip(terms) {
        let column = term["column"].as_str()?;
        let value = measure(model, term, column, &application[column])?;
        score += weight.as_f64()? * value;
    }
    Some(1.0 / (1.0 + (-score).exp()))
}

fn measure(model: &Value, term: &Value, column: &str, value: &Value) -> Option<f64> {
    let raw = match (&term["category"], value) {
        (_, Value::Null) => return Some(0.0),
        (Value::String(category), Value::String(word)) => {
            let known = model["encoder"]["categories"][column].as_array()?;
            if !known.iter().any(|one| one == word) {
                return Some(0.0);
            }
            f64::from(u8::from(category == word))
        }
        (Value::Null, number) => number.as_f64()?,
        _ => return None,
    };
    Some((raw - term["mean"].as_f64()?) / term["scale"].as_f64()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn small() -> Value {
        json!({
            "intercept": -1.0,
            "coefficients": [2.0, 0.5],
            "encoder": {
                "categories": {"word": ["no", "yes"]},
                "terms": [
                    {"column": "number", "category": null, "mean": 1.0, "scale": 2.0},
                    {"column": "word", "category": "yes", "mean": 0.25, "scale": 0.5},
                ],
            },
        })
    }

    #[test]
    fn the_formula_is_computed_anew() {
        let check = |application: Value, score: f64| {
            let expected = 1.0 / (1.0 + (-score).exp());
            let found = probability(&small(), &application).unwrap();
            assert!((found - expected).abs() < 1e-15, "{application}: {found}");
        };
        check(
            json!({"number": 2.0, "word": "yes"}),
            -1.0 + 2.0 * 0.5 + 0.5 * 1.5,
        );
        check(
            json!({"number": 2, "word": "no"}),
            -1.0 + 2.0 * 0.5 - 0.5 * 0.5,
        );
        check(json!({"word": "never seen"}), -1.0);
        assert_eq!(probability(&json!({}), &json!({})), None);
        assert_eq!(probability(&small(), &json!({"number": "two"})), None);
    }

    #[test]
    fn the_model_is_found_in_its_archive() {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            Vec::new(),
            flate2::Compression::fast(),
        ));
        for (name, text) in [
            ("other", "x".to_owned()),
            ("./model.json", small().to_string()),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive
                .append_data(&mut header, name, text.as_bytes())
                .unwrap();
        }
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        assert_eq!(model(&bytes).unwrap(), small());
        assert!(model(b"not an archive").is_err());
    }
}
