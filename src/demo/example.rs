//! The example repository, as the binary carries it.

use std::io;
use std::path::Path;

/// Path in the repository and content.
pub struct File {
    /// `/`-separated, from the repository's root.
    pub path: &'static str,
    /// The bytes.
    pub bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(File {
            path: $path,
            bytes: include_bytes!(concat!("../../example-repo/", $path)),
        }),+]
    };
}

/// Every file of `example-repo`, in order.
pub const FILES: &[File] = files![
    ".gitignore",
    "README.md",
    "models/mortgage/MODEL_CARD.md",
    "models/mortgage/config.yaml",
    "models/mortgage/data/hdma.csv",
    "models/mortgage/data/train.pin.yaml",
    "models/mortgage/src/evaluate.py",
    "models/mortgage/src/features.py",
    "models/mortgage/src/inference.py",
    "models/mortgage/src/logistic.py",
    "models/mortgage/src/metrics.py",
    "models/mortgage/src/preprocess.py",
    "models/mortgage/src/tables.py",
    "models/mortgage/src/train.py",
    "trueup.yaml",
];

/// The example's one model.
pub const MODEL: &str = "mortgage";
/// Its region.
pub const REGION: &str = "eu-west-1";
/// Its account.
pub const ACCOUNT: &str = "111122223333";
/// The columns that it learns from.
pub const FEATURES: &str = "models/mortgage/src/features.py";
/// Its configuration.
pub const CONFIG: &str = "models/mortgage/config.yaml";
/// The program that serves it.
pub const INFERENCE: &str = "models/mortgage/src/inference.py";

/// An edit of one file: the first text, which stands there once, becomes the second.
pub type Edit = (&'static str, &'static str, &'static str);

/// What makes the model better.
pub const IMPROVEMENT: Edit = (
    FEATURES,
    r#"FEATURES = ("dir", "lvr")"#,
    r#"FEATURES = ("dir", "lvr", "ccs", "mcs", "pbcr", "dmi")"#,
);
/// What makes every answer the same, whatever was asked: a sabotage.
pub const CONSTANT: Edit = (
    INFERENCE,
    "probability = model.probability(row)",
    "probability = 0.5",
);
/// What takes the gates away: a sabotage.
pub const NO_GATES: Edit = (CONFIG, "  gates: {auc: \">= 0.70\"}\n", "");

/// One application for a mortgage, as the endpoint takes it.
pub const APPLICATION: &str = r#"{"instances": [{"dir": 0.42, "hir": 0.30, "lvr": 0.95, "ccs": 5, "mcs": 2, "pbcr": "yes", "dmi": "no", "self": "no", "single": "no", "uria": 3.2, "comdominiom": 0, "black": "no"}]}"#;

/// Writes the files below `folder`.
pub fn write(folder: &Path) -> io::Result<()> {
    for file in FILES {
        let path = folder.join(file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, file.bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in a folder, without what running the programs leaves there.
    fn list(folder: &Path, below: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{below}{name}");
            match entry.file_type().unwrap().is_dir() {
                true if name == "__pycache__" => {}
                true => list(&entry.path(), &format!("{path}/"), found),
                false => found.push(path),
            }
        }
    }

    #[test]
    fn the_binary_carries_the_whole_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("example-repo");
        let mut found = Vec::new();
        list(&folder, "", &mut found);
        found.sort();
        let carried: Vec<_> = FILES.iter().map(|file| file.path).collect();
        assert_eq!(carried, found);
    }

    #[test]
    fn every_edit_has_its_one_place() {
        for (path, from, to) in [IMPROVEMENT, CONSTANT, NO_GATES] {
            let file = FILES.iter().find(|file| file.path == path).unwrap();
            let text = std::str::from_utf8(file.bytes).unwrap();
            assert_eq!(text.matches(from).count(), 1, "{path}");
            assert!(!text.contains(to) || to.is_empty(), "{path}");
        }
    }
}
