//! OpenSSH's own server on loopback, which lets one key in.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a helper of a test may fail like the test, and starts what is tested against"
)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use trueup::git::Keys;

/// Where Debian and others have it.
const SSHD: &str = "/usr/sbin/sshd";
const DEADLINE: Duration = Duration::from_secs(30);

/// A running server; gone with this.
pub(crate) struct SshServer {
    child: Child,
    url: String,
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl SshServer {
    /// Serves the repositories in `root`, with its keys beside them. `None` where no server is installed.
    pub(crate) fn open(root: &Path) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            return None;
        }
        let folder = keys_in(root);
        fs::create_dir(&folder).unwrap();
        for name in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.join(name))
                .status();
            assert!(made.unwrap().success());
        }
        if geteuid().is_root() {
            // Where it changes to when it drops its rights.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .unwrap()
            .port();
        let at = folder.display();
        let settings = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nUsePAM no\n\
             PermitRootLogin prohibit-password\nMaxStartups 100\nPidFile none\n"
        );
        fs::write(folder.join("sshd_config"), settings).unwrap();
        let key = fs::read_to_string(folder.join("host.pub")).unwrap();
        fs::write(
            folder.join("known_hosts"),
            format!("[127.0.0.1]:{port} {key}"),
        )
        .unwrap();
        let child = Command::new(SSHD)
            .args(["-D", "-f"])
            .arg(folder.join("sshd_config"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let root = root.display();
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let url = format!("ssh://{user}@127.0.0.1:{port}{root}/repo.git");
        let server = Self { child, url };
        server.wait(port);
        Some(server)
    }

    fn wait(&self, port: u16) {
        let end = Instant::now() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "{} does not listen", self.url);
            thread::yield_now();
        }
    }

    /// The URL of `repo.git`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn keys_in(root: &Path) -> PathBuf {
    root.join("keys")
}

/// What opens the repository at a URL of such a server.
pub(crate) fn keys_of(url: &str) -> Keys {
    let path = url.splitn(4, '/').nth(3).unwrap();
    let root = Path::new("/").join(path);
    let folder = keys_in(root.parent().unwrap());
    Keys {
        agent: false,
        files: vec![folder.join("user")],
        known_hosts: vec![folder.join("known_hosts")],
    }
}
