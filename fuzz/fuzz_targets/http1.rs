//! Any bytes on a connection that begins as HTTP/1, and any body in chunks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::{body, script};

fuzz_target!(|data: &[u8]| {
    script::check(data);
    body::check_chunked(data);
});
