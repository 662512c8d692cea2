//! Any body of JSON, which may be an array that comes in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::body;

fuzz_target!(|data: &[u8]| body::check("application/json", "", data));
