//! What goes along with the code, and what does not.

use super::{MODEL, shown, snapshot, sound};
use crate::config::load;

const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

/// The findings where these files are there and those were left out.
fn found(files: &[(&'static str, &'static [u8])], left_out: &[(&str, &str)]) -> Vec<String> {
    let mut all = sound();
    all.extend(files.iter().copied());
    let mut snapshot = snapshot(all);
    let left_out = left_out.iter();
    let left_out = left_out.map(|(path, why)| ((*path).to_owned(), (*why).to_owned()));
    snapshot.skipped.extend(left_out);
    shown(&load(&snapshot).models[0].diagnostics)
}

/// Where the entry point stands in the sound model.
fn place() -> String {
    let line = MODEL.lines().position(|line| line.contains("entry_point:"));
    let line = line.expect("it names one");
    let text = MODEL.lines().nth(line).expect("it is there");
    let column = text.find("src/train.py").expect("it is train.py");
    format!("{}:{}", line + 1, column + 1)
}

#[test]
fn a_pointer_of_git_lfs_is_no_code_and_no_data() {
    let at = place();
    let weights = found(&[("models/churn/src/weights.bin", POINTER)], &[]);
    let words = "holds a pointer of Git LFS: its bytes are not in the repository";
    assert_eq!(weights, [format!("F004 {at} `src/weights.bin` {words}")]);
    let data = found(&[("models/churn/data/t.csv", POINTER)], &[]);
    let named = format!("F004 {at} `data/t.csv` {words}");
    assert!(data.contains(&named), "{data:?}");
    // What nothing reads may be one, and so may text that only speaks of it.
    let none = [""; 0];
    assert_eq!(
        found(&[("models/churn/notes/plot.png", POINTER)], &[]),
        none
    );
    let speaks: &[u8] = b"# version https://git-lfs.github.com/spec/v1\n";
    assert_eq!(found(&[("models/churn/src/lfs.py", speaks)], &[]), none);
}

#[test]
fn what_does_not_go_along_with_the_code_is_told() {
    let link = "it is a symbolic link";
    let at = place();
    let told = found(&[], &[("models/churn/src/util.py", link)]);
    let words = format!("F005 {at} `src/util.py` does not go along with the code: {link}");
    assert_eq!(told, [words]);
    for elsewhere in ["models/churn/notes/a", "models/other/src/util.py", "src/a"] {
        assert_eq!(found(&[], &[(elsewhere, link)]), [""; 0], "{elsewhere}");
    }
}
