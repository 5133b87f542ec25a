//! A table of container images: what runs on this machine in the place of each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{companion, shape};
use crate::diagnostic::{Diagnostic, settle};
use crate::limits::IMAGE_ROWS_MAX;
use crate::snapshot::glob;

/// The table, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageTable {
    /// The rows; the first whose pattern an image matches decides.
    #[schemars(length(max = IMAGE_ROWS_MAX))]
    images: Vec<Image>,
}

/// What runs in the place of the images of one pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Which images: `*` stands for anything between two slashes of the URI, `**` for anything.
    #[schemars(length(min = 1, max = 512))]
    pub pattern: String,
    /// How a program is found.
    #[serde(default)]
    pub mode: Mode,
    /// The interpreter of Python programs: a name on `PATH`, or a path.
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    pub python: Option<String>,
    /// A virtual environment: its programs come first, and its interpreter runs Python programs.
    #[serde(default)]
    #[schemars(length(max = 512), extend("pattern" = "^/", "x-expected" = "an absolute path"))]
    pub venv: Option<String>,
    /// What programs find in their environment, unless the request says otherwise.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub env: BTreeMap<String, String>,
    /// What trains, as an image's entry point with its arguments says it. Default: `train`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub train: Vec<String>,
    /// What serves, likewise. Default: `serve`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub serve: Vec<String>,
    /// What a processing job runs that names no entry point.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub process: Vec<String>,
    /// The port that `serve` listens on whatever it is told. Default: the one in
    /// `SAGEMAKER_BIND_TO_PORT`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Why images of this pattern are not run; nothing else counts then.
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    pub refuse: Option<String>,
}

/// How a program is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As the framework containers do: the request names a program and where it lies.
    #[default]
    Script,
    /// As any other image does: it has an entry point.
    Entrypoint,
}

impl Image {
    /// Whether an image's URI is of the pattern.
    pub fn matches(&self, uri: &str) -> bool {
        glob::matches(&self.pattern, uri)
    }
}

/// Reads a table; where it cannot be used, a finding that is an error says why.
pub fn read_images(path: &str, bytes: &[u8]) -> (Option<Vec<Image>>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let table: Option<ImageTable> = companion::typed(path, bytes, &shape::IMAGES, &mut findings);
    (table.map(|table| table.images), settle(findings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let (table, findings) = read_images("images.yaml", text.as_bytes());
        assert_eq!(table.is_none(), !findings.is_empty(), "{findings:?}");
        let found = findings.iter();
        found
            .map(|one| format!("{} {} {}", one.code, one.span.line, one.message))
            .collect()
    }

    #[test]
    fn a_table_is_read_exactly() {
        let text = "images:\n- pattern: '**/mine:*'\n  mode: entrypoint\n  venv: /v\n  \
                    env: {A: b}\n  serve: [Rscript, serve.R]\n  port: 8080\n";
        let (table, findings) = read_images("images.yaml", text.as_bytes());
        assert_eq!(findings, []);
        let row = &table.unwrap()[0];
        assert_eq!((row.mode, row.port), (Mode::Entrypoint, Some(8080)));
        assert_eq!(row.serve, ["Rscript", "serve.R"]);
        assert!(row.matches("1.dkr.ecr.eu-west-1.amazonaws.com/team/mine:3"));
        assert!(!row.matches("1.dkr.ecr.eu-west-1.amazonaws.com/yours:3"));
    }

    #[test]
    fn what_is_wrong_is_found_at_its_place() {
        let check = |text: &str, expect: &str| {
            let found = found(text);
            assert!(found.iter().any(|one| one.starts_with(expect)), "{found:?}");
        };
        check(
            "images:\n- pattern: a\n  pyton: b\n",
            "S001 3 unknown key `pyton`",
        );
        check(
            "images:\n- pattern: a\n  mode: scripts\n",
            "S002 3 `mode` is `scripts`",
        );
        check(
            "images:\n- mode: script\n",
            "S002 2 item 1 of `images` lacks `pattern`",
        );
        check(
            "images:\n- pattern: a\n  venv: v\n",
            "S002 3 `venv` is `v`, but takes an absolute path",
        );
        check(
            "images:\n- pattern: a\n  port: 0\n",
            "S002 3 `port` is the number 0",
        );
        check("images: [", "S000 ");
        let many = "- pattern: a\n".repeat(IMAGE_ROWS_MAX);
        assert_eq!(found(&format!("images:\n{many}")), [""; 0]);
        check(
            &format!("images:\n{many}- pattern: a\n"),
            "S002 1 `images` is a list, but takes at most 200 items",
        );
    }
}
