//! Any text as requests, events and answers of each dialect.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::dialect;

fuzz_target!(|data: &[u8]| dialect::check(data));
