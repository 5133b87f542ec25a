//! Log lines: text on a terminal, JSON elsewhere.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::error::CommandError;
use super::shell::Shell;

/// Starts writing log lines to standard error. `default` is the filter where neither `TRUEUP_LOG`
/// nor `RUST_LOG` says another.
pub(super) fn start(shell: &Shell, default: &str) -> Result<(), CommandError> {
    let directives = shell.environment.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        CommandError::new(&error)
            .context(format!("`{directives}` is no filter for log lines"))
            .help("write a level, or `target=level` pairs with commas, such as `trueup=debug`")
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let started = if shell.streams.interactive {
        lines.with_ansi(shell.streams.coloured_talk).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
    started.map_err(|error| CommandError::message(format!("log lines cannot be written: {error}")))
}
