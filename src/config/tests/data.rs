//! Pins, and what is read of data.

use super::{PIN, change, check};

#[test]
fn data_is_pinned_to_its_bytes() {
    let path = "models/churn/data/train.pin.yaml";
    let missing = "D001 7:3 the dataset `train` is not pinned: there is no `models/churn/data/train.pin.yaml`";
    let loaded = check(path, None, &[missing]);
    let help = loaded.models[0].diagnostics[0].help.clone().unwrap();
    let digest = PIN
        .split('"')
        .find(|part| part.starts_with("sha256:"))
        .unwrap();
    assert!(help.contains(digest) && help.contains("bytes 8"), "{help}");
    let stale = check(
        path,
        Some(&PIN.replace("bytes: 8", "bytes: 9")),
        &["D002 1:1 the pin does not agree with the bytes of `data/t.csv`"],
    );
    let help = stale.models[0].diagnostics[0].help.clone().unwrap();
    assert!(help.contains(digest) && help.contains("bytes: 8"), "{help}");
    check(
        path,
        Some(&PIN.replace("data/t.csv", "data/u.csv")),
        &["D002 1:1 the pin is of `data/u.csv`, but the dataset is `data/t.csv`"],
    );
    check(
        path,
        Some(&PIN.replace("objects", "objcts")),
        &["S002 5:1 `version` lacks `objects`"],
    );
    check(path, Some(&format!("{PIN}note: by ann\n")), &[]);
    change(
        "target: y",
        "target: z",
        &["D005 7:37 `z` is not a column of the dataset `train`"],
    );
    change(
        "file: data/t.csv,",
        "file: data/t.csv, pin: none,",
        &["D008 1:1 nothing uses the pin of `train`"],
    );
}

#[test]
fn references_lead_to_data() {
    change("dataset: validation", "dataset: split.validation", &[]);
    change(
        "dataset: validation",
        "dataset: split.test",
        &["D009 17:12 `split.test` is neither a dataset nor an output of a step"],
    );
    change(
        "baseline: train",
        "baseline: trian",
        &["D009 24:68 `trian` is neither a dataset nor an output of a step"],
    );
    change(
        "training:\n",
        "  more: {script: src/split.py, inputs: [split.train], outputs: [validation]}\ntraining:\n",
        &["D010 18:12 `validation` is an output of more and of split"],
    );
    change(
        "inputs: [train], outputs: [train, validation]}\n",
        "inputs: [other.a], outputs: [validation]}\n  other: {script: src/split.py, inputs: [validation], outputs: [a]}\n",
        &[
            "D010 9:3 the step `split` waits for itself through what it reads",
            "D010 10:3 the step `other` waits for itself through what it reads",
        ],
    );
}
