//! `trueup schema`: what files may say, for editors and checkers.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::error::CommandError;
use super::exit;
use super::shell::Shell;
use crate::config::schema;

/// Print the JSON Schema of a file
///
/// Point an editor at it to have keys completed and checked, for instance with the YAML language
/// server's `# yaml-language-server: $schema=<file>`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The file
    #[arg(value_enum, default_value_t = Which::Config)]
    file: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// A model's `config.yaml`
    Config,
    /// A repository's `trueup.yaml`
    Trueup,
    /// A dataset's `data/<name>.pin.yaml`
    Pin,
    /// An environment's `releases/<name>.yaml`
    Release,
    /// A table of container images for `trueup local --images`
    Images,
    /// A list of repositories for `trueup run --sources`
    Sources,
}

impl Which {
    fn text(self) -> Option<String> {
        let name = match self {
            Self::Config => "config",
            Self::Trueup => "trueup",
            Self::Pin => "pin",
            Self::Release => "release",
            Self::Images => "images",
            Self::Sources => "sources",
        };
        let mut all = schema::all().into_iter();
        all.find(|(path, _)| Path::new(path).file_stem().is_some_and(|stem| stem == name))
            .map(|(_, text)| text)
    }
}

impl Schema {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let text = self.file.text();
        let text = text.ok_or_else(|| CommandError::message("there is no such schema"))?;
        shell.streams.data(&text);
        Ok(exit::OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_schema() {
        for which in Which::value_variants() {
            let schema: serde_json::Value = serde_json::from_str(&which.text().unwrap()).unwrap();
            assert!(schema["properties"].is_object(), "{which:?}");
        }
    }
}
