//! Many calls through each kind of probe. The programs compare all that arrives with what
//! was sent, so that no byte is changed and nothing crashes, and llmtop has to know of
//! every byte, as captured or as lost.

use std::ffi::OsStr;

use crate::harness::{Llmtop, Mover, Stack};

fn check(stack: Stack, calls: u64, size: usize) {
    let mover = Mover::start(stack, calls, size);
    let llmtop = Llmtop::json(&[mover.pid()], &[OsStr::new("--all")]);
    let moved = mover.run();
    let end = llmtop.finish_after(0).end;
    let bytes = |what: &str| end[what].as_u64().unwrap();
    let (captured, lost) = (bytes("captured_bytes"), bytes("lost_bytes"));
    println!("{stack:?}: {moved:?}, captured {captured}, lost {lost}");
    assert_eq!(captured + lost, moved.moved, "{stack:?}: {end}");
    // What the library reads for a Bun in one call may be many writes.
    assert!(moved.calls >= calls / 2, "{stack:?}: {moved:?}");
    assert!(captured > 0, "{stack:?}: {end}");
}

#[test]
fn openssl() {
    check(Stack::OpenSsl, 20_000, 64);
    check(Stack::OpenSsl, 400, 16_384);
}

#[test]
fn boringssl() {
    check(Stack::BoringSsl, 20_000, 64);
    check(Stack::BoringSsl, 400, 16_384);
}

#[test]
fn gnutls() {
    check(Stack::GnuTls, 20_000, 64);
    check(Stack::GnuTls, 400, 16_384);
}

#[test]
fn nss() {
    check(Stack::Nss, 20_000, 64);
    check(Stack::Nss, 400, 16_384);
}

#[test]
fn rustls() {
    check(Stack::Rustls, 20_000, 64);
    check(Stack::Rustls, 400, 16_384);
}

#[test]
fn go() {
    check(Stack::Go(200), 20_000, 64);
    check(Stack::Go(20), 400, 16_384);
}

#[test]
fn plain_sockets() {
    check(Stack::Plain, 20_000, 64);
    check(Stack::Plain, 400, 16_384);
}

/// By hand: `cargo test -p llmtop --test llmtop endurance -- --ignored --nocapture`.
#[test]
#[ignore = "takes many minutes"]
fn ten_million_calls_each() {
    const CALLS: u64 = 10_000_000;
    let two_ends = [Stack::OpenSsl, Stack::BoringSsl, Stack::GnuTls, Stack::Nss, Stack::Rustls];
    for stack in two_ends.into_iter().chain([Stack::Plain, Stack::Go(10_000)]) {
        check(stack, CALLS, 64);
    }
}
