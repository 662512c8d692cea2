//! Anything that can happen to a connection, and all that is made of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmtop_fuzz::script;

fuzz_target!(|data: &[u8]| script::check(data));
