//! The `llmtop` command.
fn main() -> std::process::ExitCode {
    llmtop::run::main()
}
