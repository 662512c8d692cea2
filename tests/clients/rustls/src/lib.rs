//! A client of model APIs over rustls, which it carries inside: blocking HTTP/1.1
//! on a kept connection for each thread. Prints nothing but what went wrong. Each version
//! of rustls has a program of its own, which says how to connect.
//!
//! rustls-client --base=https://127.0.0.1:PORT --ca=FILE --marker=M [--threads=N]
//!     [--calls=N] [--stream] [--pad=BYTES] [--pieces] [--tls12] [--after=FILE]

use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::CertificateDer;

/// What a program was asked for.
pub struct Options(Vec<String>);

impl Options {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.text(name).map_or(default, |text| text.parse().expect("a number"))
    }

    /// Whether to speak TLS 1.2, else 1.3.
    pub fn tls12(&self) -> bool {
        self.has("--tls12")
    }

    /// Whom to trust.
    pub fn authorities(&self) -> Vec<CertificateDer<'static>> {
        let file = self.text("--ca").expect("--ca");
        let read = CertificateDer::pem_file_iter(file).expect("certificates");
        read.map(|certificate| certificate.expect("a certificate")).collect()
    }
}

/// Asks, as its arguments say. `connector` makes what a thread makes its connection by.
pub fn run<C, S>(connector: impl FnOnce(&Options) -> C)
where
    C: Fn(TcpStream) -> S + Send + Sync + 'static,
    S: Read + Write + 'static,
{
    let options = Arc::new(Options(std::env::args().skip(1).collect()));
    let connect = Arc::new(connector(&options));
    let threads = options.number("--threads", 1);
    let ask = |index| {
        let (options, connect) = (Arc::clone(&options), Arc::clone(&connect));
        std::thread::spawn(move || conversation(&options, &*connect, index))
    };
    let asking: Vec<_> = (0..threads).map(ask).collect();
    for thread in asking {
        thread.join().expect("a thread that did not panic");
    }
}

/// All calls of one thread, over one connection.
fn conversation<S: Read + Write>(options: &Options, connect: impl Fn(TcpStream) -> S, index: usize) {
    let address = options.text("--base").and_then(|b| b.strip_prefix("https://")).expect("--base");
    let marker = options.text("--marker").expect("--marker");
    let mut stream = BufReader::new(connect(TcpStream::connect(address).expect("the server")));
    let calls = options.number("--calls", 2);
    for call in 0..calls {
        // Between the first two calls there is time to begin watching.
        if call == 1 {
            wait(options);
        }
        let last = call + 1 == calls;
        ask(options, &mut stream, &format!("{marker}-{index}-{call}"), last);
    }
}

fn wait(options: &Options) {
    if let Some(file) = options.text("--after") {
        while !std::path::Path::new(file).exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn ask<S: Read + Write>(options: &Options, stream: &mut BufReader<S>, marker: &str, last: bool) {
    let content = format!("marker={marker} {}", "pad ".repeat(options.number("--pad", 0) / 4));
    let more = if options.has("--stream") {
        r#","stream":true,"stream_options":{"include_usage":true}"#
    } else {
        ""
    };
    let body = format!(
        r#"{{"model":"gpt-4.1-mini","messages":[{{"role":"user","content":"{content}"}}]{more}}}"#
    );
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: Bearer sk-test-secret-000111222333\r\nConnection: {}\r\n\
         Content-Length: {}\r\n\r\n",
        if last { "close" } else { "keep-alive" },
        body.len()
    );
    if options.has("--pieces") {
        pieces(stream.get_mut(), &head, &body);
    } else {
        stream.get_mut().write_all(head.as_bytes()).expect("written");
        stream.get_mut().write_all(body.as_bytes()).expect("written");
    }
    stream.get_mut().flush().expect("flushed");
    answer(stream);
}

/// The same as one list of pieces of many lengths.
fn pieces(stream: &mut impl Write, head: &str, body: &str) {
    let (all, mut at) = ([head.as_bytes(), body.as_bytes()].concat(), 0);
    while at < all.len() {
        let (mut slices, mut from) = (Vec::new(), at);
        for length in [1, 100, 0, 7000, 20_000, 3].into_iter().cycle().take(24) {
            let to = (from + length).min(all.len());
            slices.push(IoSlice::new(&all[from..to]));
            from = to;
        }
        at += stream.write_vectored(&slices).expect("written");
    }
}

/// Reads an answer to its end.
fn answer(stream: &mut impl BufRead) {
    let (mut chunked, mut length, mut line) = (false, 0, String::new());
    stream.read_line(&mut line).expect("a status line");
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line).expect("a header");
        let header = line.trim_end().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("transfer-encoding", "chunked")) => chunked = true,
            Some(("content-length", value)) => length = value.parse().expect("a length"),
            Some(_) => {}
            None => break,
        }
    }
    if !chunked {
        std::io::copy(&mut stream.take(length), &mut std::io::sink()).expect("a body");
        return;
    }
    loop {
        line.clear();
        stream.read_line(&mut line).expect("a chunk's length");
        let length = u64::from_str_radix(line.trim_end(), 16).expect("a length");
        std::io::copy(&mut stream.take(length + 2), &mut std::io::sink()).expect("a chunk");
        if length == 0 {
            return;
        }
    }
}
