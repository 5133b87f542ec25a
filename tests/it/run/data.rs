//! Other data is another model, and what is served is what was trained on it.

use serde_json::Value;
use trueup::demo::example::APPLICATION;
use trueup::demo::http::Http;
use trueup::resource::canonical::sha256;

use super::artefact::Trained;
use super::daemon::{Daemon, endpoint};

const DATA: &str = "models/mortgage/data/hdma.csv";
const PIN: &str = "models/mortgage/data/train.pin.yaml";
/// Rows of the example's data that stay, the heading with them.
const LINES: usize = 2_200;

/// The endpoint has to answer what the model's numbers say.
async fn answers(http: &Http, model: &Trained) {
    let question: Value = serde_json::from_str(APPLICATION).unwrap();
    let expected = model.probability(&question["instances"][0]);
    let answer = http
        .invoke(&endpoint("staging"), APPLICATION)
        .await
        .unwrap();
    let found = answer["predictions"][0]["probability"].as_f64().unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "answered {found}, computed {expected}"
    );
}

/// The first rows of the data, and the pin that says so.
fn fewer_rows(daemon: &Daemon) -> Vec<(String, String)> {
    let rows = daemon.person.read(DATA);
    let rows: Vec<_> = rows.lines().take(LINES).collect();
    let data = format!("{}\n", rows.join("\n"));
    let pin = format!(
        "apiVersion: \"trueup/data.v1\"\nname: \"train\"\nsource:\n  file: \"data/hdma.csv\"\n\
         version:\n  content: \"sha256:{}\"\n  strength: \"sha256\"\n  objects: 1\n  bytes: {}\n",
        sha256(data.as_bytes()),
        data.len()
    );
    vec![(DATA.to_owned(), data), (PIN.to_owned(), pin)]
}

#[tokio::test]
async fn other_data_gives_other_numbers_and_they_are_what_answers() {
    let mut daemon = Daemon::start();
    let config = daemon.serves("staging", "the first model", |_| true).await;
    let first = Trained::read(&daemon.http, 1).await;
    answers(&daemon.http, &first).await;

    daemon.person.write(&[fewer_rows(&daemon)]);
    daemon
        .serves("staging", "the model of other data", |now| now != config)
        .await;
    let second = Trained::read(&daemon.http, 2).await;
    answers(&daemon.http, &second).await;

    let (before, after) = (first.weights(), second.weights());
    assert_eq!(before.len(), after.len(), "the same columns");
    let same = before
        .iter()
        .zip(&after)
        .filter(|(a, b)| (*a - *b).abs() < 1e-6);
    assert_eq!(same.count(), 0, "{before:?} and {after:?}");
    assert!((first.auc - second.auc).abs() > 1e-6, "{}", first.auc);
}
