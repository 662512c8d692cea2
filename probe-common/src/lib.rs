//! The ABI between llmtop's kernel programs and its user side: event records,
//! map keys, limits. Both ends compile this very file, and the layouts are
//! asserted at compile time.
#![no_std]
