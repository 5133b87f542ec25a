//! The local SageMaker as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::Client;

/// The running binary; gone with this, by `kill -9`.
pub(super) struct Server {
    pub(super) child: Child,
    pub(super) client: Client,
}

impl Server {
    /// Starts it, and waits until it has said where it is.
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let client = Client::new(ready["url"].as_str().unwrap());
        Self { child, client }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
