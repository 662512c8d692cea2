//! The subcommands.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::ShowOptions;
use crate::sink::export::Form;

/// What to do instead of showing traffic.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Say what can be captured on this machine, and what cannot and why
    ///
    /// Kernel, privileges, and every running process with a TLS library: which
    /// one, how it was found, where it would be probed.
    Doctor {
        /// As one JSON object
        #[arg(long)]
        json: bool,
        /// Show for one process what its files were told by
        #[arg(long, value_name = "PID", conflicts_with = "json")]
        explain: Option<u32>,
    },
    /// Write the exchanges of a recording
    Export {
        /// The recording (`-`: standard input)
        #[arg(short, long, value_name = "FILE")]
        read: PathBuf,
        /// What is written
        #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
        format: ExportFormat,
        /// Into a new file [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// What is exported: as for the screen
        #[command(flatten)]
        show: ShowOptions,
    },
    /// Make or check the configuration file
    Config {
        /// What of the two.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Print a completion script
    Completions {
        /// For this shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// What to do with the configuration file.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigAction {
    /// Write a commented configuration file, unless there is one
    Init,
    /// Say whether the configuration file is right, and if not, where
    Check,
}

/// Formats of `export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// HTTP Archive 1.2, for browsers' tools.
    Har,
    /// Comma-separated values, a row an exchange.
    Csv,
}

impl From<ExportFormat> for Form {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Json => Form::Json,
            ExportFormat::Jsonl => Form::Jsonl,
            ExportFormat::Har => Form::Har,
            ExportFormat::Csv => Form::Csv,
        }
    }
}
