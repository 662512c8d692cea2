//! The command line.

mod command;
mod options;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{Styles, styling::AnsiColor};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser};

pub use command::{Command, ConfigAction, ExportFormat};
pub use options::{CaptureOptions, FlowOptions, JsonLines, ScreenOptions, ShowOptions, User};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  sudo llmtop                         the live screen, every process
  llmtop --demo                       the same with recorded traffic, without root
  sudo llmtop --json -c claude        one JSON object an exchange, of every `claude`
  sudo llmtop -w now.llmtop           the live screen, and a recording of it
  llmtop -r now.llmtop --json         the same exchanges again, without root
  llmtop -r now.llmtop -f 'ttft>2s'   those whose first token took more than 2 s
  sudo llmtop doctor                  what is covered on this machine, and why not

Exit status: 0 success, 1 run-time error, 2 wrong usage, 77 privileges or kernel
do not suffice, 128+N ended at once by signal N.";

/// `top` for LLM API traffic: every exchange of every process, live.
///
/// Shows what was asked, the answer as it streams, its tokens and its cost,
/// through eBPF probes in the TLS libraries of the machine's processes: no
/// proxy, no certificate, no restart of anything. Capturing needs root.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "llmtop", version, styles = STYLES, after_help = EXAMPLES,
    max_term_width = 100, subcommand_negates_reqs = true
)]
pub struct Cli {
    /// What to do instead of showing traffic.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Which processes.
    #[command(flatten)]
    pub capture: CaptureOptions,
    /// What of it.
    #[command(flatten)]
    pub show: ShowOptions,
    /// Where it comes from and goes to.
    #[command(flatten)]
    pub flow: FlowOptions,
    /// How it looks.
    #[command(flatten)]
    pub screen: ScreenOptions,
    /// Configuration file [default: ~/.config/llmtop/config.toml]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Other")]
    pub config: Option<PathBuf>,
    /// More messages on stderr; twice: even more (not on the live screen)
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Other")]
    pub verbose: u8,
}

impl Cli {
    /// What the command line says.
    ///
    /// # Errors
    /// What is wrong with it; or not an error: its help or its version.
    pub fn read<T: Into<OsString> + Clone>(
        arguments: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = Cli::command();
        let matches = command.try_get_matches_from_mut(arguments)?;
        // clap can refuse all options before a subcommand, or none.
        if let Some(name) = matches.subcommand_name() {
            let stray = |arg: &&clap::Arg| {
                let source = matches.value_source(arg.get_id().as_str());
                !arg.is_global_set() && source == Some(ValueSource::CommandLine)
            };
            let stray = command.get_arguments().find(stray).map(ToString::to_string);
            if let Some(stray) = stray {
                let what = format!("the argument '{stray}' cannot be used with '{name}'");
                return Err(command.error(ErrorKind::ArgumentConflict, what));
            }
        }
        Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help() {
        let mut command = Cli::command().color(clap::ColorChoice::Never);
        insta::assert_snapshot!("help-short", command.render_help());
        insta::assert_snapshot!("help-long", command.render_long_help());
        let mut all = String::new();
        for sub in command.get_subcommands_mut() {
            all += &format!("=== {} ===\n{}\n", sub.get_name().to_owned(), sub.render_help());
        }
        insta::assert_snapshot!("help-subcommands", all);
    }

    #[test]
    fn accepted_and_refused() {
        let cases: &[(&str, bool)] = &[
            ("", true),
            ("--json", true),
            ("--json=deltas -o x", true),
            ("--json deltas", false),
            ("--json --plain", false),
            ("-o x", false),
            ("--all --raw", false),
            ("-p 1 -p 2 -c node -c bun -u root", true),
            ("-r - --json", true),
            ("-u nobody-of-this-name", false),
            ("-u 4294967296", false),
            ("--theme light", true),
            ("--theme nope", false),
            ("-r x -p 1", false),
            ("-r x --demo", false),
            ("-r x --stdio", false),
            ("--stdio --json", true),
            ("-r x -w y", true),
            ("--duration 0.5 --count 3", true),
            ("--duration 40s", true),
            ("--duration 0", false),
            ("--duration nan", false),
            ("--count 0", false),
            ("--memory 64MiB --ring 1048576", true),
            ("--memory lots", false),
            ("doctor", true),
            ("doctor -v", true),
            ("-v --config x doctor", true),
            ("--config x config check", true),
            ("--json doctor", false),
            ("-p 1 doctor", false),
            ("--all export -r x", false),
            ("export", false),
            ("export -r x --format json -o y", true),
            ("export -r x --format har", true),
            ("export -r x --format csv", true),
            ("export -r x --format xml", false),
            ("config init", true),
            ("config", false),
            ("completions zsh", true),
            ("man", true),
            ("-f x", true),
            ("-f x -f y", false),
            ("export -r x -f model:opus", true),
        ];
        for (line, accepted) in cases {
            let words = ["llmtop"].into_iter().chain(line.split_whitespace());
            assert_eq!(Cli::read(words).is_ok(), *accepted, "{line:?}");
        }
    }

    #[test]
    fn json_without_a_value_means_exchanges() {
        let json = |line: &str| Cli::parse_from(line.split(' ')).flow.json;
        assert_eq!(json("llmtop --json"), Some(JsonLines::Exchanges));
        assert_eq!(json("llmtop --json=deltas"), Some(JsonLines::Deltas));
        assert_eq!(json("llmtop --plain"), None);
    }
}
