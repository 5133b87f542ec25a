//! Commands that look and tell: `why`, `tree`, `diff`, `trace`; and what `status` shares with them.

use clap::Args;
use serde_json::Value;

use super::connect::{CloudArg, SourceArg, see};
use super::error::CommandError;
use super::plan::select;
use super::render::plan::is_whole;
use super::render::{Paint, findings, tree, why};
use super::shell::{Shell, block_on};
use super::{Output, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::execute::pass::Mode;
use crate::reconcile::RepositoryPass;

/// What every look is given.
#[derive(Debug, Args)]
pub(super) struct Look {
    #[command(flatten)]
    source: SourceArg,
    #[command(flatten)]
    cloud: CloudArg,
    /// The form of the answer
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Tell why a model is as it is, and what you may do about it
///
/// Looks at the newest commit and at AWS; changes nothing. One paragraph a unit: its state and how
/// old the evidence is, each finding with its reason, since when and until when, and each step that
/// is pending with the line that asks for it. Exits with 1 where not everything could be seen.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// The model
    model: String,
    /// Only this environment; `home` is where the model is trained
    #[arg(long, short, value_name = "NAME")]
    environment: Option<String>,
    #[command(flatten)]
    look: Look,
}

/// Show models, their units, and the resources of each
///
/// Each resource with how it was seen to be and the commit that created it. Exits with 1 where not
/// everything could be seen.
#[derive(Debug, Args)]
pub(super) struct Tree {
    /// Only this model
    model: Option<String>,
    #[command(flatten)]
    look: Look,
}

/// Show where what runs is not what is declared
///
/// Field by field, differences alone: `-` is what runs, `+` what the commit declares. What is not
/// declared is not compared. Exits with 0 where nothing differs and all could be seen, else with 1.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// Only this model
    model: Option<String>,
    /// Compare with what runs
    #[arg(long, required = true)]
    live: bool,
    #[command(flatten)]
    look: Look,
}

/// Show what came of a commit
///
/// The run that it started, the package, the releases of the newest commit that name it, and the
/// resources that it created, as far as a pass over the newest commit sees them. Exits with 1 where
/// there is nothing.
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// The commit: at least 7 digits of its id
    #[arg(value_parser = commit)]
    commit: String,
    #[command(flatten)]
    look: Look,
}

pub(super) fn commit(text: &str) -> Result<String, String> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex && (7..=40).contains(&text.len()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a commit is 7 to 40 hexadecimal digits".to_owned())
    }
}

impl Look {
    /// A pass that changes nothing, and the repository's name.
    pub(super) fn pass(&self, shell: &Shell) -> Result<(RepositoryPass, String), CommandError> {
        let source = self.source.source(shell)?;
        let name = source.to_string();
        let pass = block_on(async {
            let aws = self.cloud.connect(shell).await;
            let (mut reconciler, seen) = see(shell, source, aws).await?;
            Ok(reconciler.pass(&seen, Mode::Plan).await?)
        })?;
        Ok((pass, name))
    }

    /// Prints it in the form that was asked for.
    pub(super) fn show(
        &self,
        shell: &Shell,
        pass: &RepositoryPass,
        text: impl Fn(Paint) -> String,
        json: impl Fn() -> Value,
    ) {
        let paint = shell.streams.paint;
        shell.streams.data(&match self.output {
            Output::Text => findings::findings(pass, paint) + &text(paint),
            Output::Json => format!("{:#}\n", json()),
        });
    }
}

fn code(good: bool) -> u8 {
    if good { exit::OK } else { exit::FAILED }
}

impl Why {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let (mut pass, name) = self.look.pass(shell)?;
        select(&mut pass, Some(&self.model), self.environment.as_deref())?;
        let now = SystemClock.now();
        let text = |paint| why::text(&pass, now, paint);
        self.look
            .show(shell, &pass, text, || why::json(&pass, &name));
        Ok(code(is_whole(&pass)))
    }
}

impl Tree {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let (mut pass, name) = self.look.pass(shell)?;
        select(&mut pass, self.model.as_deref(), None)?;
        let text = |paint| tree::tree(&pass, paint);
        self.look
            .show(shell, &pass, text, || tree::tree_json(&pass, &name));
        Ok(code(is_whole(&pass)))
    }
}

impl Diff {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let (mut pass, name) = self.look.pass(shell)?;
        select(&mut pass, self.model.as_deref(), None)?;
        let text = |paint| tree::diff(&pass, paint);
        self.look
            .show(shell, &pass, text, || tree::diff_json(&pass, &name));
        Ok(code(is_whole(&pass) && !tree::differs(&pass)))
    }
}

impl Trace {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let (pass, name) = self.look.pass(shell)?;
        let traced = tree::Traced::of(&pass, &self.commit);
        let json = || traced.json(&pass, &name, &self.commit);
        self.look
            .show(shell, &pass, |paint| traced.text(paint), json);
        if traced.is_empty() {
            let words = format!("nothing that was seen comes from {}", self.commit);
            shell.streams.talk(&words);
        }
        Ok(code(!traced.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_has_digits_enough_to_be_one() {
        assert_eq!(commit("1A2b3c4").as_deref(), Ok("1a2b3c4"));
        for text in ["1a2b3c", "main", &"0".repeat(41)] {
            assert!(commit(text).is_err(), "{text}");
        }
    }
}
