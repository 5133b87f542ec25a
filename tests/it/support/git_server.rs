//! A Git server on loopback: `git http-backend` behind a small HTTP/1.1 front.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the judge is the real `git`, which is a process"
)]

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use data_encoding::BASE64;

/// What happens just before a push reaches Git.
type BeforePush = Box<dyn FnOnce() + Send>;

/// Serves all repositories of one folder until it is dropped.
pub(crate) struct GitServer {
    address: SocketAddr,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    root: PathBuf,
    /// The `Authorization` header to insist on.
    authorization: Mutex<Option<String>>,
    stop: AtomicBool,
    silent: AtomicBool,
    throttled: AtomicBool,
    lose_answer: AtomicBool,
    redirect: Mutex<Option<String>>,
    before_push: Mutex<Option<BeforePush>>,
    requests: Mutex<Vec<String>>,
    held: Mutex<Vec<TcpStream>>,
}

impl GitServer {
    /// Serves `root` to everybody.
    pub(crate) fn open(root: &Path) -> Self {
        Self::start(root, None)
    }

    /// Serves `root` to one user.
    pub(crate) fn closed(root: &Path, user: &str, password: &str) -> Self {
        Self::start(root, Some(basic(user, password)))
    }

    fn start(root: &Path, authorization: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            root: root.to_owned(),
            authorization: Mutex::new(authorization),
            ..State::default()
        });
        let shared = Arc::clone(&state);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A peer that goes away in the middle is the peer's business.
                thread::spawn(move || drop(shared.answer(stream.unwrap())));
            }
        });
        Self {
            address,
            state,
            accepting: Some(accepting),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of `repo.git`, with `user` (such as `robot:secret@`) before the host.
    pub(crate) fn url(&self, user: &str) -> String {
        format!("http://{user}{}/repo.git", self.address)
    }

    /// From now on: let in only who says so.
    pub(crate) fn insist_on(&self, user: &str, password: &str) {
        *self.state.authorization.lock().unwrap() = Some(basic(user, password));
    }

    /// From now on, or no longer: tell everybody to ask less often.
    pub(crate) fn throttle(&self, everybody: bool) {
        self.state.throttled.store(everybody, Ordering::SeqCst);
    }

    /// From now on: accept, and never say a word.
    pub(crate) fn fall_silent(&self) {
        self.state.silent.store(true, Ordering::SeqCst);
    }

    /// How many conversations it has fallen silent in.
    pub(crate) fn held(&self) -> usize {
        self.state.held.lock().unwrap().len()
    }

    /// Carry out the next push and close the connection without an answer.
    pub(crate) fn lose_next_answer(&self) {
        self.state.lose_answer.store(true, Ordering::SeqCst);
    }

    /// From now on: send everybody to the repository at this URL.
    pub(crate) fn redirect_to(&self, url: &str) {
        *self.state.redirect.lock().unwrap() = Some(url.to_owned());
    }

    /// Does this between a client's look and its push.
    pub(crate) fn before_next_push(&self, act: impl FnOnce() + Send + 'static) {
        *self.state.before_push.lock().unwrap() = Some(Box::new(act));
    }

    /// The requests so far that were let in, such as `GET /repo.git/info/refs`; forgets them.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.requests.lock().unwrap())
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        self.state.held.lock().unwrap().clear();
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

impl State {
    fn answer(&self, stream: TcpStream) -> io::Result<()> {
        if self.silent.load(Ordering::SeqCst) {
            self.held.lock().unwrap().push(stream);
            return Ok(());
        }
        let mut reader = BufReader::new(stream.try_clone()?);
        let request = Request::read(&mut reader)?;
        let mut stream = stream;
        if self.throttled.load(Ordering::SeqCst) {
            return stream.write_all(
                b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\n\
                  Content-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        let authorization = self.authorization.lock().unwrap().clone();
        if authorization.is_some() && request.headers.get("authorization") != authorization.as_ref()
        {
            return stream.write_all(
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\n\
                  Content-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        if let Some(url) = &*self.redirect.lock().unwrap() {
            let rest = request.path.trim_start_matches("/repo.git");
            let head = format!(
                "HTTP/1.1 302 Found\r\nLocation: {url}{rest}?{}\r\n",
                request.query
            );
            let tail = "Content-Length: 0\r\nConnection: close\r\n\r\n";
            return stream.write_all((head + tail).as_bytes());
        }
        let line = format!("{} {}", request.method, request.path);
        self.requests.lock().unwrap().push(line);
        let push = request.method == "POST" && request.path.ends_with("git-receive-pack");
        if push {
            let act = self.before_push.lock().unwrap().take();
            if let Some(act) = act {
                act();
            }
        }
        let answer = self.backend(&request)?;
        if push && self.lose_answer.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        stream.write_all(&answer)
    }

    /// Runs Git's own CGI program.
    fn backend(&self, request: &Request) -> io::Result<Vec<u8>> {
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REQUEST_METHOD", &request.method)
            .env("PATH_INFO", &request.path)
            .env("QUERY_STRING", &request.query)
            .env("CONTENT_TYPE", request.header("content-type"))
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .env("GIT_PROTOCOL", request.header("git-protocol"))
            .env("REMOTE_ADDR", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take().unwrap();
        let body = request.body.clone();
        let feeding = thread::spawn(move || drop(stdin.write_all(&body)));
        let output = child.wait_with_output()?.stdout;
        drop(feeding.join());
        let end = output
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap()
            + 4;
        let head = String::from_utf8_lossy(&output[..end - 4]).into_owned();
        let status = head.lines().find_map(|line| line.strip_prefix("Status: "));
        let mut answer = format!("HTTP/1.1 {}\r\n", status.unwrap_or("200 OK"));
        for line in head.lines().filter(|line| !line.starts_with("Status:")) {
            answer += line;
            answer += "\r\n";
        }
        let length = output.len() - end;
        let mut answer = answer.into_bytes();
        write!(
            answer,
            "Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )?;
        answer.extend_from_slice(&output[end..]);
        Ok(answer)
    }
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Self> {
        let first = line(reader)?;
        let mut words = first.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let header = line(reader)?;
            let Some((name, value)) = header.split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = Vec::new();
        if headers
            .get("transfer-encoding")
            .is_some_and(|value| value == "chunked")
        {
            loop {
                let size = u64::from_str_radix(&line(reader)?, 16).map_err(io::Error::other)?;
                reader.by_ref().take(size).read_to_end(&mut body)?;
                line(reader)?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = headers.get("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            reader.by_ref().take(length).read_to_end(&mut body)?;
        }
        Ok(Self {
            method,
            path,
            query,
            headers,
            body,
        })
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// One line, without its end. The end of the stream is an error.
fn line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64.encode(format!("{user}:{password}").as_bytes())
    )
}
