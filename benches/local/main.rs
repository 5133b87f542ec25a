//! How the local SageMaker serves its own clients: calls a second on one core, the start with much in
//! its state, and what it takes from the processor when nobody asks.
//!
//! Nothing here passes or fails: what is printed is what this machine did today. `--against URL` asks
//! another server of AWS's protocols the same, for a ratio.

mod client;
#[path = "../scale/processor.rs"]
mod processor;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::time::{Instant, timeout};
use trueup::clock::SignedDuration;
use trueup::local::{LocalHandle, LocalOptions, serve};
use trueup::world::Pace;

use client::Client;

/// Measures the local SageMaker
#[derive(Debug, Parser)]
struct Options {
    /// Endpoints that the server knows
    #[arg(long, default_value_t = 10_000)]
    endpoints: usize,
    /// Seconds that each measure takes
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Another server, with at least the endpoint `bench-0`
    #[arg(long, value_name = "URL")]
    against: Option<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // One thread: server and client share one core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(&options));
    ExitCode::SUCCESS
}

async fn run(options: &Options) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = started(folder.path()).await;
    let filling = Instant::now();
    Client::new(&server.url).fill(options.endpoints).await;
    tell(
        "endpoints created a second",
        per_second(options.endpoints, filling.elapsed()),
    );
    server.shutdown().await;

    let starting = Instant::now();
    let server = started(folder.path()).await;
    let mut client = Client::new(&server.url);
    client.describe(0).await;
    tell(
        "milliseconds to the first answer",
        starting.elapsed().as_secs_f64() * 1e3,
    );

    let own = describes(&mut client, options).await;
    tell("describes a second, client and server on one core", own);
    if let Some(url) = &options.against {
        let mut other = Client::new(url);
        let count = asked(&mut other, 1, options.seconds).await;
        let other = per_second(count, Duration::from_secs(options.seconds));
        tell("describes a second of the other server", other);
        tell("ratio", own / other);
    }

    let before = processor::seconds();
    let idle = Duration::from_secs(options.seconds);
    let _passed = timeout(idle, std::future::pending::<()>()).await;
    let used = processor::seconds() - before;
    tell(
        "per cent of a core when nobody asks",
        used / idle.as_secs_f64() * 100.0,
    );
    server.shutdown().await;
}

async fn started(folder: &std::path::Path) -> LocalHandle {
    let options = LocalOptions {
        state_dir: Some(folder.to_owned()),
        pace: Pace::of(SignedDuration::ZERO),
        control_plane_only: Some(Duration::ZERO),
        ..LocalOptions::default()
    };
    serve(options).await.expect("a local SageMaker")
}

async fn describes(client: &mut Client, options: &Options) -> f64 {
    let count = asked(client, options.endpoints, options.seconds).await;
    per_second(count, Duration::from_secs(options.seconds))
}

/// How often a client is answered within so many seconds.
async fn asked(client: &mut Client, endpoints: usize, seconds: u64) -> usize {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut count = 0;
    while Instant::now() < end {
        client.describe(count % endpoints).await;
        count += 1;
    }
    count
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

fn tell(what: &str, value: f64) {
    let line = format!("{value:>12.1}  {what}\n");
    io::stdout()
        .write_all(line.as_bytes())
        .expect("somebody reads it");
}
