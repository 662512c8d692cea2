//! Any bytes on standard input and output.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::stdio;

fuzz_target!(|data: &[u8]| stdio::check(data));
