//! Any body in the event stream encoding of AWS.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::body;

fuzz_target!(|data: &[u8]| body::check("application/vnd.amazon.eventstream", "", data));
