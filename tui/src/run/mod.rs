//! What the binary does: command line in, exit code out.

mod capture;
mod commands;
mod lines;
mod man;
mod screen;
mod settings;
mod signals;
mod source;

use std::io;
use std::process::ExitCode;

use llmtop_parsers::escape;

use crate::cli::Cli;
use crate::logging;

/// Privileges or the kernel do not suffice (BSD's `EX_NOPERM`).
const UNSUPPORTED: u8 = 77;

/// As after any other wrong usage.
const USAGE: u8 = 2;

/// Runs `llmtop`. Wrong usage ends the process with exit code 2 and says what
/// is wrong; other errors are one line on stderr.
pub fn main() -> ExitCode {
    let cli = Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    logging::init(cli.verbose);
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        // What is wrong may take lines of its own, escaped already.
        Err(error) if error.is::<settings::WrongUsage>() => {
            eprintln!("llmtop: {error}");
            ExitCode::from(USAGE)
        }
        Err(error) => {
            let line = format!("{error:#}").trim().replace('\n', "; ");
            eprintln!("llmtop: {}", escape::visible(&line));
            exit_code(&error)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    match &cli.command {
        Some(command) => commands::run(cli, command),
        None if cli.flow.is_lines() => lines::run(cli),
        None => screen::run(cli),
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref() {
        Some(llmtop_probe::Error::Unsupported { .. }) => ExitCode::from(UNSUPPORTED),
        _ => ExitCode::FAILURE,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}
