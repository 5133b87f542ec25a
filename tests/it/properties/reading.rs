//! Whatever is in people's files, reading them ends in findings with places.

use std::collections::BTreeMap;

use proptest::prelude::*;
use trueup::config::{load, yaml};
use trueup::diagnostic::render::text;
use trueup::diagnostic::{Diagnostic, Span};
use trueup::resource::canonical::sha256;
use trueup::snapshot::{File, Mode, ObjectId, Snapshot};

use super::mutate::mutated;
use crate::sim::forge::{Forge, MAIN};
use crate::sim::random::Random;
use crate::sim::repository::{FULL, FleetKind, first_commit, path};

const EXAMPLE: &str = include_str!("../../../example-repo/models/mortgage/config.yaml");
const RELEASE: &str = "version: 1\nattempt: 1\npackages:\n  main:\n    arn: \"arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1\"\n    \
    run: \"r\"\n    commit: \"c\"\n    data: {}\n    model_data:\n      uri: \"s3://b/k\"\n      checksum: \"crc64:1\"\n      size: 7\n    \
    image: \"i@sha256:2\"\n    code:\n      uri: \"s3://b/c\"\n      digest: \"sha256:3\"\n      entry_point: \"src/i.py\"\n";
const QUARANTINE: &str = "- package: \"arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1\"\n  reason: \"it is wrong\"\n";

/// Repositories with a model each that can be read, and everything that a repository may hold.
fn repositories() -> Vec<Snapshot> {
    [None, Some(FULL), Some(EXAMPLE)]
        .map(|config| {
            let mut forge = Forge::default();
            first_commit(&mut forge, FleetKind::One);
            let mut files = vec![
                (path("releases/staging.yaml"), RELEASE),
                (path("quarantine.yaml"), QUARANTINE),
            ];
            files.extend(config.map(|config| (path("config.yaml"), config)));
            let files: Vec<_> = files
                .iter()
                .map(|(path, text)| (path.as_str(), Some(text.as_bytes())))
                .collect();
            forge.commit(&files);
            forge.snapshot(&forge.tip(MAIN))
        })
        .to_vec()
}

/// Reads a repository with another file in place of one, and looks at every finding.
fn check(snapshot: &Snapshot, path: &str, bytes: &[u8]) -> Result<usize, TestCaseError> {
    let mut snapshot = snapshot.clone();
    let file = File {
        mode: Mode::Regular,
        blob: ObjectId(sha256(bytes)),
        bytes: bytes.into(),
    };
    snapshot.files.insert(path.to_owned(), file);
    let loaded = load(&snapshot);
    let models = loaded.models.iter().flat_map(|model| &model.diagnostics);
    let findings: Vec<_> = loaded.diagnostics.iter().chain(models).cloned().collect();
    for finding in &findings {
        prop_assert!(
            !finding.message.contains("a defect of trueup"),
            "{:?}",
            finding
        );
        let held = snapshot.files.get(&finding.span.file);
        let held = held.map(|file| &*file.bytes);
        prop_assert!(held.is_some(), "no such file: {:?}", finding);
        within(finding, held.unwrap_or_default())?;
    }
    let texts: BTreeMap<_, _> = snapshot
        .files
        .keys()
        .map(|path| (path.clone(), snapshot.text(path)))
        .collect();
    let shown = text(&findings, |path| *texts.get(path)?, false);
    let acts = shown.contains(['\u{1b}', '\u{202e}']);
    prop_assert!(!acts, "a terminal would act on {shown:?}");
    Ok(findings.len())
}

/// A finding's place lies in its file, and its line and column are those of its first byte.
fn within(finding: &Diagnostic, held: &[u8]) -> Result<(), TestCaseError> {
    let Span {
        start,
        end,
        line,
        column,
        ..
    } = finding.span;
    prop_assert!(
        start <= end && end <= held.len(),
        "{:?} of {}",
        finding,
        held.len()
    );
    // In a file that is no text, places are counted as far as it is.
    let Ok(text) = std::str::from_utf8(held) else {
        return Ok(());
    };
    prop_assert!(
        text.is_char_boundary(start) && text.is_char_boundary(end),
        "{:?}",
        finding
    );
    let before = text[..start].trim_start_matches('\u{feff}');
    let first = before.rfind('\n').map_or(0, |at| at + 1);
    let expected = (
        before.matches('\n').count() + 1,
        before[first..].chars().count() + 1,
    );
    prop_assert_eq!((line, column), expected, "{:?}", finding);
    Ok(())
}

fn run(
    cases: u32,
    one: impl Fn(&Snapshot, &str, &mut Random) -> Result<usize, TestCaseError>,
) -> usize {
    let repositories = repositories();
    for snapshot in &repositories {
        let loaded = load(snapshot);
        assert!(loaded.installation.is_some() && loaded.models.len() == 1);
    }
    let found = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    let ran = runner.run(&any::<u64>(), |seed| {
        let random = &mut Random::new(seed, 0);
        let snapshot = random.pick(&repositories);
        let paths: Vec<_> = snapshot
            .files
            .keys()
            .filter(|path| path.rsplit('.').next() == Some("yaml"))
            .collect();
        let path = *random.pick(&paths);
        found.set(found.get() + one(snapshot, path, random)?);
        Ok(())
    });
    if let Err(failed) = ran {
        panic!("{failed}");
    }
    found.get()
}

#[test]
fn a_file_after_mishaps_is_read_to_findings_in_their_places() {
    let found = run(1_500, |snapshot, path, random| {
        let bytes = mutated(&snapshot.files[path].bytes, random);
        check(snapshot, path, &bytes)
    });
    assert!(
        found > 1_500,
        "only {found} findings: the mishaps are too small"
    );
}

#[test]
fn any_bytes_in_place_of_a_file_are_read_to_findings_in_their_places() {
    run(500, |snapshot, path, random| {
        let bytes: Vec<_> = (0..random.below(200))
            .map(|_| random.next().to_le_bytes()[0])
            .collect();
        check(snapshot, path, &bytes)
    });
}

proptest! {
    #[test]
    fn any_bytes_are_yaml_or_have_findings(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let read = yaml::read("f", &bytes);
        prop_assert!(read.root.is_some() || !read.diagnostics.is_empty());
        for finding in &read.diagnostics {
            within(finding, &bytes)?;
        }
    }
}
