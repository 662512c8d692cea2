//! Programs that carry their TLS library inside, without symbols.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{
    self, Certificates, Exchange, Gated, Llmtop, RequestLog, Scratch, Server, bun, eventually,
    tests_folder,
};

/// A call in the client's own way, of this dialect, streaming or not.
type Case = (&'static str, &'static str, bool);

const CASES: [Case; 4] = [
    ("fetch", "openai.chat", false),
    ("fetch", "openai.chat", true),
    ("https", "anthropic.messages", false),
    ("fetch", "openai.responses", true),
];

/// `program`, a bun, making calls: two unless `more` says otherwise.
fn spawn(program: &Path, server: &Server, case: Case, marker: &str, more: (&str, &Path)) -> Gated {
    let (client, dialect, stream) = case;
    let script = tests_folder().join("clients/chat.mjs");
    let mut arguments = vec![
        script.display().to_string(),
        client.to_owned(),
        format!("--base={}", server.https()),
        format!("--dialect={dialect}"),
        "--calls=2".to_owned(),
        format!("--marker={marker}"),
    ];
    arguments.extend(stream.then(|| "--stream".to_owned()));
    arguments.push(format!("--{}={}", more.0, more.1.display()));
    let authority = Certificates::of_this_run().authority().into_os_string();
    Gated::spawn(program, arguments, &[("NODE_EXTRA_CA_CERTS", authority)])
}

/// Waits until the process has become what it was to become.
fn runs(process: &Gated, program: &Path) {
    let exe = format!("/proc/{}/exe", process.pid());
    let program = program.canonicalize().unwrap();
    eventually("the client to start", || (std::fs::read_link(&exe).ok()? == program).then_some(()));
}

/// What llmtop says otherwise than the server, of an exchange of a bun, `pid`.
fn differences(shown: &Exchange, pid: u32, sent: &RequestLog) -> Vec<String> {
    let more = [
        ("/process/comm", "bun".into()),
        ("/connection/tls", "boringssl".into()),
        ("/connection/joined_midway", false.into()),
    ];
    compare(shown, pid, sent, more)
}

/// What llmtop says otherwise than the server, of an exchange of `pid`, and than
/// `more`.
pub(crate) fn compare<const MORE: usize>(
    shown: &Exchange,
    pid: u32,
    sent: &RequestLog,
    more: [(&str, Value); MORE],
) -> Vec<String> {
    let usage = sent.usage.as_ref().unwrap().as_object().unwrap();
    let usage = usage.iter().map(|(kind, tokens)| (format!("/usage/{kind}"), tokens.clone()));
    let expected = [
        ("/state", "complete".into()),
        ("/process/pid", pid.into()),
        ("/connection/role", "client".into()),
        ("/connection/local", sent.peer.clone().into()),
        ("/connection/peer", sent.local.clone().into()),
        ("/connection/lost_bytes", 0.into()),
        ("/dialect", sent.dialect.clone().into()),
        ("/request/body", sent.body.clone().unwrap()),
        ("/request/body_bytes", sent.body_bytes.into()),
        ("/response/status", 200.into()),
        ("/response/text", sent.text.clone().into()),
        ("/usage/source", "reported".into()),
    ];
    let expected = expected.into_iter().chain(more);
    let expected = expected.map(|(field, value)| (field.to_owned(), value));
    let wrong = expected.chain(usage).filter(|(field, value)| shown.at(field) != value);
    wrong.map(|(field, value)| format!("{field} is {}, not {value}", shown.at(&field))).collect()
}

#[test]
fn bun_that_runs_already() {
    let (server, scratch) = (Server::start(), Scratch::new());
    let go = scratch.file("go");
    let mut clients = Vec::new();
    for (index, case) in CASES.into_iter().enumerate() {
        let marker = format!("already{index}");
        let mut client = spawn(&bun(), &server, case, &marker, ("after", &go));
        client.go();
        runs(&client, &bun());
        clients.push((marker, client));
    }
    let pids: Vec<u32> = clients.iter().map(|(_, client)| client.pid()).collect();
    let llmtop = Llmtop::json(&pids, &[]);
    std::fs::write(&go, "").unwrap();
    for (_, client) in &mut clients {
        let output = client.output();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let report = llmtop.finish_after(2 * CASES.len());
    for ((marker, _), pid) in clients.iter().zip(pids) {
        for call in 0..2 {
            let marker = format!("{marker}-{call}");
            let [exchange] = report.of_marker(&marker)[..] else {
                panic!("{marker} is there {} times", report.of_marker(&marker).len());
            };
            let wrong = differences(exchange, pid, &server.request(&marker));
            assert!(wrong.is_empty(), "{marker}: {}", wrong.join("\n"));
        }
    }
    assert_eq!(report.exchanges.len(), 2 * CASES.len());
    assert_eq!(report.lost_bytes(), 0);
}

/// Of a program that nobody has run before, calls are missed while its file is
/// looked through, and its connection is busy when the probes come. From the first
/// on that is seen, none is missed, and none has another's answer.
#[test]
fn bun_started_later() {
    let (server, scratch) = (Server::start(), Scratch::new());
    let stop = scratch.file("stop");
    let copy = a_copy(&scratch);
    let mut client = spawn(&copy, &server, CASES[0], "later", ("until", &stop));
    let llmtop = Llmtop::json(&[client.pid()], &[]);
    client.go();
    eventually("four exchanges", || (llmtop.exchanges() >= 4).then_some(()));
    std::fs::write(&stop, "").unwrap();
    let pid = client.pid();
    let printed = client.finish();
    let calls = printed.lines().count();
    let asked = |line: &Value| {
        let marker = Exchange(line.clone()).marker().map(str::to_owned);
        marker.and_then(|marker| marker.strip_prefix("later-")?.parse::<usize>().ok())
    };
    let first = llmtop.lines().iter().filter_map(asked).min().expect("one of them");
    let report = llmtop.finish_after(calls - first);
    for call in first..calls {
        let marker = format!("later-{call}");
        let [exchange] = report.of_marker(&marker)[..] else { panic!("{call} of {calls}") };
        // The connection may be older than the probes.
        let wrong = differences(exchange, pid, &server.request(&marker));
        let wrong: Vec<_> = wrong.iter().filter(|w| !w.contains("joined_midway")).collect();
        assert!(wrong.is_empty(), "{call}: {wrong:#?}");
    }
    // The question of one answer may have been too early.
    let unasked = report.exchanges.iter().filter(|exchange| exchange.marker().is_none());
    assert!(unasked.clone().count() <= 1, "{:#?}", report.exchanges);
    for exchange in unasked {
        assert_eq!(*exchange.at("/request/body"), Value::Null);
        assert_eq!(*exchange.at("/connection/joined_midway"), true);
    }
}

/// What was missed is said to whoever wanted it, and to nobody else.
#[test]
fn a_warning_of_what_was_missed() {
    for (wanted, warnings) in [(true, 1), (false, 0)] {
        let (server, scratch) = (Server::start(), Scratch::new());
        let (program, stop) = (a_copy(&scratch), scratch.file("stop"));
        let mut client = spawn(&program, &server, CASES[0], "missed", ("until", &stop));
        let mut bystander = Gated::spawn(&harness::program("true"), [""; 0], &[]);
        let watched = if wanted { client.pid() } else { bystander.pid() };
        let mut command = harness::watching(&[watched], "--json", &[]);
        command.env("XDG_CACHE_HOME", scratch.path());
        let llmtop = Llmtop::start(command);
        client.go();
        bystander.go();
        let inode = std::fs::metadata(&program).unwrap().ino().to_string();
        eventually("what it found", || {
            let found = std::fs::read_to_string(scratch.file("llmtop/stacks.json")).ok()?;
            found.contains(&inode).then_some(())
        });
        std::fs::write(&stop, "").unwrap();
        client.finish();
        bystander.finish();
        let said = llmtop.finish().said;
        let warning = format!("{}: looked through while it ran", program.display());
        let found = said.lines().filter(|line| line.contains(&warning)).count();
        assert_eq!(found, warnings, "{said}");
    }
}

/// Another file with the same content: nothing is known of it.
fn a_copy(scratch: &Scratch) -> PathBuf {
    let copy = scratch.file("bun");
    std::fs::copy(bun(), &copy).unwrap();
    copy
}
