//! TLS in front of a server on loopback, by an authority that no machine knows, and a proxy that alone
//! knows the way.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream, copy_bidirectional,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Takes TLS off in front of a server until it is dropped.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    /// The certificate of the authority, as PEM.
    pub(crate) authority: String,
    _tasks: JoinSet<()>,
}

impl Front {
    /// In front of `upstream`, with a certificate for `host`: one of today, or one that is over.
    pub(crate) async fn of(upstream: SocketAddr, host: &str, is_over: bool) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem();
        let config = shown(host, is_over, &Issuer::new(params, key));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (address, tasks) = serve(move |stream| {
            let acceptor = acceptor.clone();
            async move { join(acceptor.accept(stream).await?, upstream).await }
        })
        .await;
        Self {
            address,
            authority,
            _tasks: tasks,
        }
    }
}

/// What a server for `host` shows that such an authority knows.
fn shown(host: &str, is_over: bool, authority: &Issuer<'_, KeyPair>) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    // Not the authority's own name, or this looks like a certificate that vouches for itself.
    params.distinguished_name.push(DnType::CommonName, host);
    if is_over {
        params.not_after = date_time_ymd(2001, 2, 3);
    }
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

/// Leads everybody to one server, under whatever name it is asked for, until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// One that leads to `upstream`.
    pub(crate) async fn to(upstream: SocketAddr) -> Self {
        let asked = Arc::new(Mutex::default());
        let names = Arc::clone(&asked);
        let (address, tasks) =
            serve(move |stream| lead(stream, upstream, Arc::clone(&names))).await;
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }

    /// The requests so far, such as `CONNECT host:443 HTTP/1.1`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn lead(
    stream: TcpStream,
    upstream: SocketAddr,
    names: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let first = head.lines().next().unwrap().to_owned();
    names.lock().unwrap().push(first);
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    stream.flush().await?;
    join(stream, upstream).await
}

async fn join(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    upstream: SocketAddr,
) -> io::Result<()> {
    let mut upstream = TcpStream::connect(upstream).await?;
    copy_bidirectional(&mut stream, &mut upstream).await?;
    Ok(())
}

/// Answers each connection.
async fn serve<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> (SocketAddr, JoinSet<()>)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer(stream);
            // Whom a client does not trust is left in the middle.
            connections.spawn(async move { drop(answer.await) });
            while connections.try_join_next().is_some() {}
        }
    });
    (address, tasks)
}
