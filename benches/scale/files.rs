//! The files of a fleet: the example's model again and again, each with its own name, data and
//! training script, so that no two share more than people's models do.

use std::collections::BTreeMap;
use std::sync::Arc;

use trueup::demo::example::{FILES, MODEL};
use trueup::resource::canonical::sha256;

/// Path to content. What models have in common is in memory once.
pub(crate) type Files = BTreeMap<String, Arc<[u8]>>;

/// The branch that decides.
pub(crate) const BRANCH: &str = "main";
/// Rows of each model's data.
const ROWS: usize = 20;
const DATA: &str = "data/hdma.csv";
const PIN: &str = "data/train.pin.yaml";
const CONFIG: &str = "config.yaml";
const SCRIPT: &str = "src/train.py";

/// The folder of a model.
pub(crate) fn folder(number: usize) -> String {
    format!("models/{}", name(number))
}

/// The name of a model.
pub(crate) fn name(number: usize) -> String {
    format!("m{number:05}")
}

/// Where a model's configuration is.
pub(crate) fn config_path(number: usize) -> String {
    format!("{}/{CONFIG}", folder(number))
}

/// The configuration of a model in one environment, with so many instances.
pub(crate) fn config(number: usize, instances: usize) -> String {
    let whole = text(CONFIG);
    let (kept, _) = whole
        .split_once("  production:")
        .expect("the example has a second environment");
    kept.replace(MODEL, &name(number)).replace(
        "initial_instance_count: 1",
        &format!("initial_instance_count: {instances}"),
    )
}

/// The files that belong to no model.
pub(crate) fn shared() -> Files {
    let shared = FILES.iter().filter(|file| file.path == "trueup.yaml");
    shared
        .map(|file| (file.path.to_owned(), Arc::from(file.bytes)))
        .collect()
}

/// The files that every model has word for word, below its folder.
pub(crate) fn common() -> Files {
    let own = [DATA, PIN, CONFIG, SCRIPT];
    let all = FILES.iter().filter_map(|file| {
        let path = below_the_example(file.path)?;
        Some((path.to_owned(), Arc::from(file.bytes)))
    });
    all.filter(|(path, _)| !own.contains(&path.as_str()))
        .collect()
}

/// All files of a model.
pub(crate) fn model(number: usize, common: &Files) -> Files {
    let data = data(number);
    let own = [
        (CONFIG, config(number, 1)),
        (PIN, pin(&data)),
        (SCRIPT, format!("{}# {}\n", text(SCRIPT), name(number))),
        (DATA, data),
    ];
    let own = own
        .into_iter()
        .map(|(path, text)| (path.to_owned(), Arc::from(text.into_bytes())));
    let common = common
        .iter()
        .map(|(path, bytes)| (path.clone(), bytes.clone()));
    let folder = folder(number);
    common
        .chain(own)
        .map(|(path, bytes)| (format!("{folder}/{path}"), bytes))
        .collect()
}

/// Other rows of the example for each model.
fn data(number: usize) -> String {
    let whole = text(DATA);
    let mut lines = whole.lines();
    let head = lines.next().expect("the data has a header");
    let rows: Vec<_> = lines.collect();
    let mut text = format!("{head}\n");
    for row in 0..ROWS {
        text.push_str(rows[(number * 7 + row * (1 + number / rows.len())) % rows.len()]);
        text.push('\n');
    }
    text
}

fn pin(data: &str) -> String {
    format!(
        "apiVersion: \"trueup/data.v1\"\nname: \"train\"\nsource:\n  file: \"{DATA}\"\n\
         version:\n  content: \"sha256:{}\"\n  strength: \"sha256\"\n  objects: 1\n  bytes: {}\n",
        sha256(data.as_bytes()),
        data.len()
    )
}

fn text(path: &str) -> &'static str {
    let mut files = FILES.iter();
    let file = files
        .find(|file| below_the_example(file.path) == Some(path))
        .expect("the example has the file");
    std::str::from_utf8(file.bytes).expect("the example's files are text")
}

fn below_the_example(path: &str) -> Option<&str> {
    path.strip_prefix("models/")?
        .strip_prefix(MODEL)?
        .strip_prefix('/')
}
