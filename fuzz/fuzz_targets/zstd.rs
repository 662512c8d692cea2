//! Any body said to be Zstandard.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::body;

fuzz_target!(|data: &[u8]| body::check("text/event-stream", "zstd", data));
