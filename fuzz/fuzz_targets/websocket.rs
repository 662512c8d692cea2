//! Any bytes on a WebSocket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::{body, websocket};

fuzz_target!(|data: &[u8]| {
    if let [cut, rest @ ..] = data {
        body::check_cut(&websocket::opened(rest), *cut);
    }
});
