//! GnuTLS and NSS as their interfaces allow them to be used: calls that have to be made
//! again, sessions that collect what they send, layers, and looking at what is received.

use crate::harness::{
    Certificates, Gated, Llmtop, Report, RequestLog, Scratch, Server, eventually, python,
    tests_folder,
};
use crate::stacks::compare;

/// A client, the library it uses, and what llmtop calls that.
type Client = (&'static str, &'static str, &'static str);

const GNUTLS: Client = ("clients/gnutls.py", "libgnutls.so", "gnutls");
const NSS: Client = ("clients/nss.py", "libssl3.so", "nss");

/// A call by a client, in this way: what llmtop tells of it, and the server, and how many
/// bytes the client sent without saying them.
fn called((script, library, _): Client, way: &str) -> (u32, Report, RequestLog, u64) {
    let (server, scratch) = (Server::start(), Scratch::new());
    let go = scratch.file("go");
    let arguments = [
        tests_folder().join(script).display().to_string(),
        way.to_owned(),
        format!("--base={}", server.https()),
        format!("--ca={}", Certificates::of_this_run().authority().display()),
        format!("--marker={way}"),
        format!("--after={}", go.display()),
    ];
    let mut client = Gated::spawn(&python(), arguments, &[("PYTHONDONTWRITEBYTECODE", "1".into())]);
    client.go();
    let pid = client.pid();
    eventually("the client to load its library", || {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        maps.contains(library).then_some(())
    });
    let llmtop = Llmtop::json(&[pid], &[]);
    std::fs::write(&go, "").unwrap();
    let printed = client.finish();
    let sent = server.request(&format!("{way}-0"));
    let (unsaid, text) = printed.trim().split_once(' ').unwrap();
    let hex: String =
        sent.text.iter().flat_map(|t| t.bytes()).map(|b| format!("{b:02x}")).collect();
    assert_eq!(text, hex, "the client understood the answer");
    (pid, llmtop.finish_after(1), sent, unsaid.parse().unwrap())
}

fn check(client: Client, way: &str) {
    let (pid, report, sent, unsaid) = called(client, way);
    assert_eq!((unsaid, report.lost_bytes()), (0, 0));
    let [exchange] = &report.exchanges[..] else { panic!("{:#?}", report.exchanges) };
    let more = [
        ("/connection/tls", client.2.into()),
        ("/connection/server_name", "localhost".into()),
        ("/connection/joined_midway", false.into()),
        ("/findings", serde_json::json!([])),
    ];
    let wrong = compare(exchange, pid, &sent, more);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn gnutls_calls_that_are_made_again() {
    check(GNUTLS, "again");
}

#[test]
fn gnutls_that_collects_is_told_once() {
    check(GNUTLS, "corked");
}

/// Nobody says again what was sent at last: it is counted.
#[test]
fn gnutls_calls_that_go_on_with_what_was_said() {
    let (_, report, _, unsaid) = called(GNUTLS, "null");
    let [exchange] = &report.exchanges[..] else { panic!("{:#?}", report.exchanges) };
    assert!(unsaid > 0);
    assert_eq!(report.lost_bytes(), unsaid);
    assert_eq!(*exchange.at("/connection/lost_bytes"), unsaid);
    assert_eq!(*exchange.at("/response/status"), 200);
}

#[test]
fn nss_calls_that_are_made_again() {
    check(NSS, "again");
}

/// What is only looked at is not received, and the name is told through any layer.
#[test]
fn nss_below_another_layer() {
    check(NSS, "layers");
}
