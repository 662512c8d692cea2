//! Chores of the repository: `cargo xtask bpf build`, `cargo xtask bpf verify`.
fn main() {}
