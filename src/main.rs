//! The `trueup` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((first, rest)) if first == "__job" => trueup::local::supervise::main(rest),
        _ => ExitCode::from(2),
    }
}
