//! Certificates of a Git host, authorities that vouch for them, and proxies on the way to it.

use std::fs;
use std::process::Command;

use crate::run::faults::machine::{Scene, told, told_once};
use crate::run::kill::program::started;
use crate::support::git_server::GitServer;
use crate::support::tls::{Front, Proxy};

/// What is said of a host that is not to be trusted, and what to do.
const DISTRUST: [&str; 2] = ["its certificate is not trusted", "`SSL_CERT_FILE`"];
/// What is said of this repository once it was read.
const READ: &str = "there is no trueup.yaml";

/// The daemon, to be told of authorities and proxies.
fn daemon(scene: &Scene) -> Command {
    let run = scene.run();
    let run: Vec<_> = run.iter().map(String::as_str).collect();
    scene.place.command(&run)
}

/// A scene whose repository is at a host and a port.
fn scene_at(scene: &mut Scene, host: &str) {
    scene.place.source = format!("https://{host}/repo.git");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_trusted_for_its_host_and_its_time_by_its_authority() {
    let mut scene = Scene::new();
    let server = GitServer::open(scene.repository.root());
    let authority = scene.place.folder.join("authority.pem");
    for (host, is_over, is_known, is_trusted) in [
        ("localhost", false, true, true),
        ("localhost", false, false, false),
        ("localhost", true, true, false),
        ("git.example.org", false, true, false),
    ] {
        let front = Front::of(server.address(), host, is_over).await;
        scene_at(&mut scene, &format!("localhost:{}", front.address.port()));
        fs::write(&authority, &front.authority).unwrap();
        let mut command = daemon(&scene);
        if is_known {
            command.env("SSL_CERT_FILE", &authority);
        }
        let daemon = started(command);
        if is_trusted {
            told(&daemon, &[READ]).await;
        } else {
            told_once(&daemon, &DISTRUST).await;
            assert_eq!(server.requests(), [""; 0], "{host}: asked all the same");
        }
        server.requests();
        daemon.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_leads_to_hosts_that_it_alone_knows() {
    const HOST: &str = "git.example.invalid";
    let mut scene = Scene::new();
    let server = GitServer::open(scene.repository.root());
    let front = Front::of(server.address(), HOST, false).await;
    let proxy = Proxy::to(front.address).await;
    let authority = scene.place.folder.join("authority.pem");
    fs::write(&authority, &front.authority).unwrap();
    scene_at(&mut scene, HOST);
    let mut command = daemon(&scene);
    command
        .env("SSL_CERT_FILE", &authority)
        .env("https_proxy", format!("http://{}", proxy.address));
    let daemon = started(command);
    told(&daemon, &[READ]).await;
    daemon.end().await;
    let asked = proxy.asked();
    let tunnel = format!("CONNECT {HOST}:443 HTTP/1.1");
    assert!(
        !asked.is_empty() && asked.iter().all(|asked| *asked == tunnel),
        "{asked:?}"
    );
}
