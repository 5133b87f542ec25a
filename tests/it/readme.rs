//! What the README shows is true.

use std::collections::BTreeMap;

use trueup::clock::Timestamp;
use trueup::config::load;
use trueup::resource::canonical::sha256;
use trueup::snapshot::{File, Mode, ObjectId, Snapshot};

use super::code::{read_bytes, root};

/// The model of the example, in whose place the README's stands.
const MODEL: &str = "models/mortgage/config.yaml";

#[test]
fn the_configuration_of_the_readme_has_no_findings() {
    let found = findings(&shown());
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    let broken = shown().replace("entry_point: src/train.py", "entry_point: src/tarin.py");
    assert_eq!(findings(&broken).len(), 1, "the check sees a mistake");
}

#[test]
fn blocks_of_output_are_whole() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let mut open = None;
    for line in readme.lines() {
        if let Some(name) = line.strip_prefix("<!-- output: ") {
            assert_eq!(
                open.replace(name),
                None,
                "{line} begins within another block"
            );
        } else if let Some(name) = line.strip_prefix("<!-- end of output: ") {
            assert_eq!(open.take(), Some(name), "{line}");
        }
    }
    assert_eq!(open, None, "a block has no end");
}

/// The README's `config.yaml`: its first block of YAML.
fn shown() -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let (_, rest) = readme.split_once("```yaml\n").expect("it shows a model");
    let (block, _) = rest.split_once("```").expect("the block ends");
    block.to_owned()
}

/// What is found in the example with this configuration.
fn findings(config: &str) -> Vec<String> {
    let file = |bytes: Vec<u8>| File {
        mode: Mode::Regular,
        blob: ObjectId(sha256(&bytes)),
        bytes: bytes.into(),
    };
    let mut files: BTreeMap<_, _> = read_bytes("example-repo")
        .into_iter()
        .filter_map(|(path, bytes)| {
            let path = path.strip_prefix("example-repo/")?;
            Some((path.to_owned(), file(bytes)))
        })
        .collect();
    let replaced = files.insert(MODEL.to_owned(), file(config.as_bytes().to_vec()));
    assert!(replaced.is_some(), "the example has {MODEL}");
    let loaded = load(&Snapshot {
        commit: ObjectId("0".repeat(40)),
        time: Timestamp::UNIX_EPOCH,
        files,
        skipped: BTreeMap::new(),
    });
    let models = loaded.models.iter().flat_map(|model| &model.diagnostics);
    let all = loaded.diagnostics.iter().chain(models);
    all.map(|one| {
        let (code, message, span) = (&one.code, &one.message, &one.span);
        format!("{}:{}: {code}: {message}", span.file, span.line)
    })
    .collect()
}
