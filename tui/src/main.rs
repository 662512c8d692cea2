//! The `llmtop` command.
fn main() {}
