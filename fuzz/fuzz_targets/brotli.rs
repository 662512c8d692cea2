//! Any body said to be Brotli.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::body;

fuzz_target!(|data: &[u8]| body::check("text/event-stream", "br", data));
