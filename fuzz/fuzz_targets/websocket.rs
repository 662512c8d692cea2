//! Any bytes on a WebSocket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::websocket;

fuzz_target!(|data: &[u8]| websocket::check(data));
