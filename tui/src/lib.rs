//! llmtop: `top` for the LLM exchanges of every process on the machine.
//!
//! This library is the binary's inside, open to its tests and benches; it
//! promises nothing to others.

pub mod store;
