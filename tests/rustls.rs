//! Programs with rustls inside, of each version, with symbols and without. Their two directions have no
//! object in common, and llmtop shows one connection all the same.
#![cfg(target_arch = "x86_64")]

use std::path::Path;

use crate::harness::{Certificates, Gated, Llmtop, RUSTLS, Scratch, Server, eventually};
use crate::stacks::compare;

/// What a client does besides calling twice.
const CASES: [&[&str]; 4] = [
    &["--stream"],
    // Several connections, each of a thread.
    &["--threads=4", "--stream"],
    // Records of many pieces, and many records to a write.
    &["--pieces", "--pad=90000"],
    &["--tls12", "--threads=2", "--pad=20000"],
];

/// The client, which makes its first call when told to, and the others once `go` is
/// there.
fn spawn(program: &Path, server: &Server, case: &[&str], marker: &str, go: &Path) -> Gated {
    let mut arguments = vec![
        format!("--base={}", server.https().replace("localhost", "127.0.0.1")),
        format!("--ca={}", Certificates::of_this_run().authority().display()),
        format!("--marker={marker}"),
        "--calls=3".to_owned(),
        format!("--after={}", go.display()),
    ];
    arguments.extend(case.iter().map(|&argument| argument.to_owned()));
    Gated::spawn(program, arguments, &[])
}

fn threads(case: &[&str]) -> usize {
    let threads = case.iter().find_map(|argument| argument.strip_prefix("--threads="));
    threads.map_or(1, |threads| threads.parse().unwrap())
}

/// Clients that run, and have made a call, when llmtop starts.
fn check(program: &Path) {
    let (server, scratch) = (Server::start(), Scratch::new());
    let go = scratch.file("go");
    let mut clients = Vec::new();
    for (index, case) in CASES.into_iter().enumerate() {
        let marker = format!("r{index}");
        let mut client = spawn(program, &server, case, &marker, &go);
        client.go();
        clients.push((marker, threads(case), client));
    }
    let connections: usize = clients.iter().map(|(_, threads, _)| threads).sum();
    eventually("the first calls", || (server.requests().len() == connections).then_some(()));
    let pids: Vec<u32> = clients.iter().map(|(.., client)| client.pid()).collect();
    let llmtop = Llmtop::json(&pids, &[]);
    std::fs::write(&go, "").unwrap();
    for (.., client) in &mut clients {
        let output = client.output();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let report = llmtop.finish_after(2 * connections);
    let mut wrong = Vec::new();
    for ((marker, threads, _), pid) in clients.iter().zip(pids) {
        for (thread, call) in (0..*threads).flat_map(|thread| [(thread, 1), (thread, 2)]) {
            let marker = format!("{marker}-{thread}-{call}");
            match report.of_marker(&marker)[..] {
                [exchange] => {
                    let tls = [("/connection/tls", "rustls".into())];
                    let differences = compare(exchange, pid, &server.request(&marker), tls);
                    wrong.extend(differences.iter().map(|text| format!("{marker}: {text}")));
                }
                ref found => wrong.push(format!("{marker} is there {} times", found.len())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(report.exchanges.len(), 2 * connections, "an exchange nobody made");
    assert_eq!(report.lost_bytes(), 0);
}

#[test]
fn with_symbols() {
    for rustls in RUSTLS {
        check(&rustls.client(false));
    }
}

#[test]
fn without_symbols() {
    for rustls in RUSTLS {
        check(&rustls.client(true));
    }
}

/// What is found without symbols is what the symbols say.
#[test]
fn stripped_equals_unstripped() {
    let sites = |program: &Path, version: &str| {
        let (scratch, server) = (Scratch::new(), Server::start());
        let go = scratch.file("go");
        let mut client = spawn(program, &server, &[], "s", &go);
        client.go();
        eventually("the first call", || (!server.requests().is_empty()).then_some(()));
        let mut command = crate::harness::command();
        command.args(["doctor", "--explain", &client.pid().to_string()]);
        let output = crate::harness::run(command);
        std::fs::write(&go, "").unwrap();
        assert!(client.output().status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("covered: rustls {version}")), "{text}");
        let offsets = |kind: &str| {
            // Where the function's name is long, its place is on the line below.
            let lines: Vec<&str> = text.lines().collect();
            let place = |lines: &[&str]| {
                let mut words = lines.iter().flat_map(|line| line.split_whitespace());
                words.find(|word| word.starts_with("0x")).map(str::to_owned)
            };
            let mut offsets: Vec<String> = lines
                .windows(2)
                .filter(|lines| lines[0].trim_start().starts_with(kind))
                .filter_map(place)
                .collect();
            offsets.sort();
            offsets
        };
        (offsets("write"), offsets("read"))
    };
    for rustls in RUSTLS {
        let (writes, reads) = sites(&rustls.client(false), rustls.version);
        // TLS 1.3, TLS 1.2 with AES-GCM and with ChaCha20-Poly1305.
        assert_eq!((writes.len(), reads.len()), (3, 3), "{rustls:?}: {writes:?} {reads:?}");
        let stripped = sites(&rustls.client(true), rustls.version);
        assert_eq!(stripped, (writes, reads), "{rustls:?}");
    }
}
