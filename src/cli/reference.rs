//! The reference of the command line, as Markdown, made from its definition.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

/// Every command with its arguments and options.
pub fn reference() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut text = "# Command line\n\n\
        This page is generated from the program. `trueup help <command>` says the same.\n\n\
        Data goes to standard output, talk to standard error. Exit codes: 0 clean, in sync, done; \
        1 findings, failed, held, past the deadline, or unknown; 2 a wrong command line \
        (`plan --detailed-exitcode` has its own).\n"
        .to_owned();
    let global: Vec<_> = cli
        .get_arguments()
        .filter(|one| one.is_global_set())
        .collect();
    for command in shown(&cli) {
        section(&mut text, command, &global);
    }
    text.push_str("\n## Global options\n\n");
    for argument in &global {
        entry(&mut text, argument);
    }
    text.push_str(VARIABLES);
    text
}

const VARIABLES: &str = "\n## Environment variables\n\n\
    - `TRUEUP_GIT_TOKEN`: the token for `http://` and `https://` sources that are given no other \
    credentials.\n\
    - `SSH_AUTH_SOCK`: the agent whose keys SSH hosts are shown.\n\
    - `SSL_CERT_FILE`, `SSL_CERT_DIR`: certificate authorities, in place of the machine's.\n\
    - `TRUEUP_HOOK_SECRET`: what Git hosts sign the hooks with that `run --hooks` takes, at least 16 \
    letters.\n\
    - `TRUEUP_LOG`, else `RUST_LOG`: which log lines `run` and `local` write, such as `debug` or \
    `trueup=debug`.\n\
    - `NO_COLOR`: no colours.\n\
    - `GITHUB_STEP_SUMMARY`: where `lint --output github` appends a table of all findings.\n\
    - `XDG_CACHE_HOME`, `HOME`: where mirrors are kept.\n\
    - `AWS_PROFILE` and all else that the AWS SDKs read, for credentials.\n";

fn shown(cli: &Command) -> impl Iterator<Item = &Command> {
    let hidden = |one: &&Command| one.is_hide_set() || one.get_name() == "help";
    cli.get_subcommands().filter(move |one| !hidden(one))
}

fn section(text: &mut String, command: &Command, global: &[&Arg]) {
    let name = command.get_name();
    let about = command.get_long_about().or_else(|| command.get_about());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    writeln!(
        text,
        "\n## `trueup {name}`\n\n{}\n\n```text\n{usage}\n```\n",
        words(about)
    )
    .expect("a string takes everything");
    let own = command.get_arguments().filter(|one| {
        let shared = global.iter().any(|other| other.get_id() == one.get_id());
        let builtin = matches!(one.get_id().as_str(), "help" | "version");
        !shared && !builtin && !one.is_hide_set()
    });
    let (places, options): (Vec<_>, Vec<_>) = own.partition(|one| one.is_positional());
    for argument in places.into_iter().chain(options) {
        entry(text, argument);
    }
}

fn entry(text: &mut String, argument: &Arg) {
    let values = argument.get_value_names().unwrap_or_default();
    let values: Vec<_> = values.iter().map(|name| format!("<{name}>")).collect();
    let takes = argument.get_action().takes_values();
    let value = if takes {
        values.join(" ")
    } else {
        String::new()
    };
    let name = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long} {value}"),
        (None, Some(long)) => format!("--{long} {value}"),
        _ => value,
    };
    let help = words(argument.get_long_help().or_else(|| argument.get_help()));
    write!(text, "- `{}`: {help}", name.trim()).expect("a string takes everything");
    let defaults = argument.get_default_values().iter();
    let defaults: Vec<_> = defaults
        .map(|one| format!("`{}`", one.to_string_lossy()))
        .collect();
    if takes && !defaults.is_empty() {
        write!(text, " [default: {}]", defaults.join(", ")).expect("a string takes everything");
    }
    text.push('\n');
    let choices = argument.get_possible_values();
    for choice in choices.iter().filter(|one| takes && !one.is_hide_set()) {
        let help = words(choice.get_help());
        writeln!(text, "  - `{}`: {help}", choice.get_name()).expect("a string takes everything");
    }
}

fn words(styled: Option<&StyledStr>) -> String {
    styled.map(ToString::to_string).unwrap_or_default()
}
