//! Real clients, each at a pinned version: `clients/install`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Certificates, Gated, comm, target_folder, tests_folder};

/// Where the clients lie; installed by whoever asks first.
static CLIENTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = target_folder().join("test-clients");
    let output =
        Command::new(tests_folder().join("clients/install")).arg(&folder).output().unwrap();
    assert!(
        output.status.success(),
        "tests/clients/install: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder
});

/// The Python that has the clients; it is linked with the system's libssl.
pub(crate) fn python() -> PathBuf {
    CLIENTS.join("venv/bin/python")
}

/// Where the clients are installed.
pub(crate) fn clients_folder() -> &'static Path {
    &CLIENTS
}

/// Bun, which has BoringSSL inside.
pub(crate) fn bun() -> PathBuf {
    let machine = if cfg!(target_arch = "x86_64") { "x64" } else { "aarch64" };
    CLIENTS.join(format!("node_modules/@oven/bun-linux-{machine}/bin/bun"))
}

/// `clients/golang/chat.go`, with symbols or without.
pub(crate) fn go_client(stripped: bool) -> PathBuf {
    CLIENTS.join(if stripped { "go/chat-stripped" } else { "go/chat" })
}

/// `clients/golang/mover`.
pub(crate) fn go_mover() -> PathBuf {
    CLIENTS.join("go/mover")
}

/// A program on the PATH.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is needed"))
}

/// Whether these bytes are somewhere in a file.
fn mentions(file: &Path, text: &str) -> bool {
    std::fs::read(file).unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

/// What asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Curl,
    CurlHttp2,
    Wget,
    /// A client of `clients/chat.py`.
    Python(&'static str),
    /// A client of `clients/chat.mjs`.
    Node(&'static str),
    /// A client of `clients/golang/chat.go`.
    Go(&'static str),
}

impl Tool {
    /// Whether it is a command that makes one call.
    pub(crate) fn calls_once(self) -> bool {
        matches!(self, Tool::Curl | Tool::CurlHttp2 | Tool::Wget)
    }

    /// What it speaks, as llmtop names it.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Tool::CurlHttp2 | Tool::Node("grpc") => "h2",
            Tool::Go("go-h2" | "go-h2-many") => "h2",
            Tool::Python(name) | Tool::Node(name) if name.ends_with("-h2") => "h2",
            Tool::Python(name) if name.starts_with("websockets") => "websocket",
            _ => "http/1.1",
        }
    }

    /// Its TLS library, as llmtop names it.
    pub(crate) fn tls(self) -> &'static str {
        match self {
            Tool::Go(_) => "go",
            // As the distribution built it.
            Tool::Wget if mentions(&program("wget"), "libgnutls.so") => "gnutls",
            _ => "openssl",
        }
    }

    /// Whether what it sends is shorter on the wire.
    pub(crate) fn compresses(self) -> bool {
        matches!(self, Tool::Python("websockets" | "websockets-threads"))
    }

    pub(super) fn program(self) -> PathBuf {
        match self {
            Tool::Curl | Tool::CurlHttp2 => program("curl"),
            Tool::Wget => program("wget"),
            Tool::Python(_) => python(),
            Tool::Node(_) => program("node"),
            Tool::Go(_) => go_client(true),
        }
    }
}

/// What is asked: `calls` calls of one dialect, over one session.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) dialect: &'static str,
    pub(crate) stream: bool,
    pub(crate) calls: usize,
    /// Call N has the marker `MARKER-N`.
    pub(crate) marker: String,
    /// What the answer is to be like; see `server/plan.py`.
    pub(crate) options: &'static str,
}

/// A client that asks when told to.
pub(crate) struct Client {
    process: Gated,
    tool: Tool,
    program: PathBuf,
    ask: Ask,
}

/// What a client got for one call.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) marker: String,
    pub(crate) status: u16,
    pub(crate) text: String,
    /// As the API sent it.
    pub(crate) usage: Option<Value>,
}

impl Client {
    /// Ready, and waiting for [`Client::go`].
    pub(crate) fn spawn(tool: Tool, base: &str, ask: Ask) -> Self {
        Self::spawn_as(tool, &tool.program(), base, ask)
    }

    /// The same by another copy of the tool.
    pub(crate) fn spawn_as(tool: Tool, program: &Path, base: &str, ask: Ask) -> Self {
        let (arguments, environment) = Self::command(tool, base, &ask);
        let process = Gated::spawn(program, arguments, &environment);
        Client { process, tool, program: program.to_owned(), ask }
    }

    /// The same as user nobody: under the same pid once it goes.
    pub(crate) fn spawn_nobody(tool: Tool, base: &str, ask: Ask) -> Self {
        let curl = program("curl");
        assert_eq!(tool, Tool::Curl, "what nobody may run everywhere");
        let (arguments, environment) = Self::command(tool, base, &ask);
        let mut all: Vec<String> =
            ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"].map(str::to_owned).into();
        all.push(curl.to_str().unwrap().to_owned());
        all.extend(arguments);
        let process = Gated::spawn(&program("setpriv"), all, &environment);
        Client { process, tool, program: curl, ask }
    }

    pub(super) fn command(
        tool: Tool,
        base: &str,
        ask: &Ask,
    ) -> (Vec<String>, Vec<(&'static str, OsString)>) {
        let authority = Certificates::of_this_run().authority();
        let environment = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"]
            .map(|name| (name, authority.clone().into_os_string()))
            .into();
        let arguments = match tool {
            Tool::Curl => curl_arguments("--http1.1", base, ask, &authority),
            Tool::CurlHttp2 => curl_arguments("--http2", base, ask, &authority),
            Tool::Wget => wget_arguments(base, ask, &authority),
            Tool::Python(client) => script_arguments("chat.py", client, base, ask),
            Tool::Go(client) => client_arguments(client, base, ask),
            Tool::Node(client) => {
                let mut arguments = script_arguments("chat.mjs", client, base, ask);
                arguments.extend(["--modules".into(), CLIENTS.to_str().unwrap().into()]);
                arguments
            }
        };
        (arguments, environment)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The name llmtop should show.
    pub(crate) fn comm(&self) -> String {
        comm(&self.program)
    }

    pub(crate) fn tool(&self) -> Tool {
        self.tool
    }

    pub(crate) fn ask(&self) -> &Ask {
        &self.ask
    }

    pub(crate) fn go(&mut self) {
        self.process.go();
    }

    /// What it printed, once it is done.
    pub(crate) fn finish(self) -> Vec<Call> {
        let printed = self.process.finish();
        let calls: Vec<Call> = match self.tool {
            Tool::Curl | Tool::CurlHttp2 => vec![call_of_curl(&self.ask, &printed)],
            Tool::Wget => vec![call_of_wget(&self.ask, &printed)],
            _ => printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        };
        assert_eq!(calls.len(), self.ask.calls, "{:?} printed {printed}", self.tool);
        calls
    }
}

fn script_arguments(script: &str, client: &str, base: &str, ask: &Ask) -> Vec<String> {
    let script = tests_folder().join("clients").join(script);
    let mut arguments = vec![script.to_str().unwrap().to_owned()];
    arguments.extend(client_arguments(client, base, ask));
    arguments
}

fn client_arguments(client: &str, base: &str, ask: &Ask) -> Vec<String> {
    let mut arguments = vec![
        client.to_owned(),
        format!("--base={base}"),
        format!("--dialect={}", ask.dialect),
        format!("--calls={}", ask.calls),
        format!("--marker={}", ask.marker),
        format!("--options={}", ask.options),
    ];
    if ask.stream {
        arguments.push("--stream".to_owned());
    }
    arguments
}

/// What a command asks.
fn chat_request(ask: &Ask) -> Value {
    assert_eq!((ask.calls, ask.dialect), (1, "openai.chat"), "what is needed of a command");
    let content = format!("marker={}-0 {} naïve 日本語 🦀", ask.marker, ask.options);
    let mut body =
        json!({"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": content}]});
    if ask.stream {
        body["stream"] = true.into();
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

fn wget_arguments(base: &str, ask: &Ask, authority: &Path) -> Vec<String> {
    vec![
        "--no-config".to_owned(),
        "--quiet".to_owned(),
        "--tries=1".to_owned(),
        "--save-headers".to_owned(),
        "--output-document=-".to_owned(),
        format!("--ca-certificate={}", authority.display()),
        "--header=content-type: application/json".to_owned(),
        "--header=authorization: Bearer sk-test-secret-000111222333".to_owned(),
        format!("--post-data={}", chat_request(ask)),
        format!("{base}/v1/chat/completions"),
    ]
}

fn curl_arguments(version: &str, base: &str, ask: &Ask, authority: &Path) -> Vec<String> {
    let body = chat_request(ask);
    let mut arguments: Vec<String> =
        ["-sS", "--no-buffer", "--compressed", version].map(str::to_owned).into();
    for (option, value) in [
        ("--cacert", authority.display().to_string()),
        ("-H", "content-type: application/json".to_owned()),
        ("-H", "authorization: Bearer sk-test-secret-000111222333".to_owned()),
        ("--data-binary", body.to_string()),
        ("-w", "\n%{http_code}".to_owned()),
    ] {
        arguments.extend([option.to_owned(), value]);
    }
    arguments.push(format!("{base}/v1/chat/completions"));
    arguments
}

/// Reads what curl printed, as a user would.
fn call_of_curl(ask: &Ask, printed: &str) -> Call {
    let (body, status) = printed.rsplit_once('\n').unwrap();
    chat_answer(ask, body, status)
}

/// The same of wget.
fn call_of_wget(ask: &Ask, printed: &str) -> Call {
    let (head, body) = printed.split_once("\r\n\r\n").unwrap();
    chat_answer(ask, body, head.split(' ').nth(1).unwrap())
}

fn chat_answer(ask: &Ask, body: &str, status: &str) -> Call {
    let mut text = String::new();
    let mut usage = None;
    if ask.stream {
        let events = body.lines().filter_map(|line| line.strip_prefix("data: "));
        for event in events.filter(|event| *event != "[DONE]") {
            let event: Value = serde_json::from_str(event).unwrap();
            text += event["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
            usage = usage.or(event.get("usage").cloned());
        }
    } else {
        let answer: Value = serde_json::from_str(body).unwrap();
        text += answer["choices"][0]["message"]["content"].as_str().unwrap_or_default();
        usage = answer.get("usage").cloned();
    }
    Call { marker: format!("{}-0", ask.marker), status: status.parse().unwrap(), text, usage }
}
