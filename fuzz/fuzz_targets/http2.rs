//! Any bytes on a connection that begins as HTTP/2, and any frames after a good beginning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::{body, script};

fuzz_target!(|data: &[u8]| {
    script::check(data);
    body::check_frames(data);
});
