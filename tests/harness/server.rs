//! The local model API: `server/serve.py`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use super::process::end;
use super::{Certificates, Scratch, client, eventually, tests_folder};

/// A running server, ended when dropped.
pub(crate) struct Server {
    child: Child,
    /// Closed, it ends.
    _stdin: ChildStdin,
    ports: Ports,
    folder: Scratch,
}

#[derive(Deserialize)]
struct Ports {
    pid: u32,
    https: u16,
    http: u16,
}

/// One request that the server answered; see `server/serve.py`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RequestLog {
    pub(crate) marker: String,
    pub(crate) dialect: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) model: String,
    /// Whether a stream was asked for.
    pub(crate) stream: bool,
    pub(crate) tls: bool,
    pub(crate) peer: String,
    pub(crate) local: String,
    pub(crate) body_bytes: u64,
    pub(crate) body_sha256: String,
    pub(crate) body: Option<Value>,
    pub(crate) status: u16,
    pub(crate) text: Option<String>,
    pub(crate) text_sha256: Option<String>,
    pub(crate) reasoning: Option<String>,
    pub(crate) tool_calls: Vec<Value>,
    /// As llmtop counts; `None`: the answer did not say.
    pub(crate) usage: Option<Value>,
}

/// One connection that ended.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ConnectionLog {
    /// Plaintext bytes.
    pub(crate) read: u64,
    /// Plaintext bytes.
    pub(crate) wrote: u64,
    pub(crate) requests: u64,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::run(Command::new(client::python()))
    }

    /// In the network namespace of a process, whose loopback interface is another.
    pub(crate) fn beside(pid: u32) -> Self {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{pid}/ns/net")).arg(client::python());
        Self::run(command)
    }

    fn run(mut python: Command) -> Self {
        let folder = Scratch::new();
        let certificates = Certificates::of_this_run();
        let mut child = python
            .arg(tests_folder().join("server/serve.py"))
            .arg("--certificate")
            .arg(certificates.certificate())
            .arg("--key")
            .arg(certificates.key())
            .arg("--log")
            .arg(folder.file("log"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports = serde_json::from_str(&line).expect("the server's first line");
        Server { child, _stdin: stdin, ports, folder }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.ports.pid
    }

    /// The base URL over TLS.
    pub(crate) fn https(&self) -> String {
        format!("https://localhost:{}", self.ports.https)
    }

    /// The base URL without TLS.
    pub(crate) fn http(&self) -> String {
        format!("http://localhost:{}", self.ports.http)
    }

    /// Lets an answer go on that was asked for with `hold=1`.
    pub(crate) fn release(&self, marker: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports.http)).unwrap();
        write!(
            stream,
            "GET /release/{marker} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let Ok(text) = std::fs::read_to_string(self.log_file()) else { return Vec::new() };
        // A last line without its end is still being written.
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|entry| entry["kind"] == kind)
            .collect()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.file("log")
    }

    /// Every call to the model API so far.
    pub(crate) fn requests(&self) -> Vec<RequestLog> {
        self.log("request")
            .into_iter()
            .map(|entry| serde_json::from_value(entry).unwrap())
            .collect()
    }

    /// The call with this marker.
    pub(crate) fn request(&self, marker: &str) -> RequestLog {
        let mut found: Vec<_> =
            self.requests().into_iter().filter(|request| request.marker == marker).collect();
        assert_eq!(found.len(), 1, "the server answered {marker} once: {found:#?}");
        found.remove(0)
    }

    /// The connections that have ended, once at least `count` of those that
    /// carried model requests did.
    pub(crate) fn connections(&self, count: usize) -> Vec<ConnectionLog> {
        eventually("the ends of the connections at the server", || {
            let connections: Vec<ConnectionLog> = self
                .log("connection")
                .into_iter()
                .map(|entry| serde_json::from_value(entry).unwrap())
                .filter(|connection: &ConnectionLog| connection.requests > 0)
                .collect();
            (connections.len() >= count).then_some(connections)
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}
