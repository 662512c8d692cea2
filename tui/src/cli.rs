//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, Styles, styling::AnsiColor};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::{self, Mode, Size};
use crate::filter;
use crate::sink::export::Form;
use crate::theme::Theme;

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

/// Which processes are captured. An exchange is captured where every kind of
/// filter given names its process.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Capture")]
pub struct CaptureOptions {
    /// Only this process and its descendants (repeatable)
    #[arg(short, long = "pid", value_name = "PID")]
    pub pids: Vec<u32>,
    /// Only processes of this name, as `ps -o comm` shows it (repeatable); with --stdio also the
    /// MCP servers that they start
    #[arg(short = 'c', long = "process", value_name = "NAME")]
    pub processes: Vec<String>,
    /// Only processes of this container, by its id, the beginning of it, or its name (LXC, nspawn)
    /// (repeatable)
    #[arg(long = "container", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub containers: Vec<String>,
    /// Only processes of this user, by name or number (repeatable)
    #[arg(short, long = "user", value_name = "USER", value_parser = user)]
    pub users: Vec<User>,
    /// Also MCP servers on their standard input and output: what they read from one pipe and write
    /// to another
    #[arg(long)]
    pub stdio: bool,
    /// Ring buffer between kernel and llmtop, e.g. 64MiB [default: by memory, 16MiB to 64MiB]
    #[arg(long, value_name = "SIZE")]
    pub ring: Option<Size>,
}

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// As it was given.
    pub name: String,
    /// Its number.
    pub uid: u32,
}

/// What of the captured is shown.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Show")]
pub struct ShowOptions {
    /// Only LLM exchanges [default: LLM exchanges, and other JSON over HTTP dimmed]
    #[arg(long, group = "what")]
    pub llm_only: bool,
    /// Every HTTP exchange
    #[arg(long, group = "what")]
    pub all: bool,
    /// Every connection, also of protocols that are not understood
    #[arg(long, group = "what")]
    pub raw: bool,
    /// Both views of an exchange whose client and server run on this machine
    #[arg(long)]
    pub both_ends: bool,
    /// Only exchanges that pass, e.g. 'proc:claude tokens>5k !status:200' (--help: every key)
    #[arg(short, long, value_name = "EXPR", long_help = filter_help())]
    pub filter: Option<String>,
    /// Credentials as they are, instead of <redacted:FINGERPRINT>
    #[arg(long)]
    pub show_secrets: bool,
}

/// How the live screen is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Screen")]
pub struct ScreenOptions {
    /// Colours of the live screen
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Theme::NAMES))]
    pub theme: Option<String>,
    /// Leave the mouse to the terminal, which selects text with it
    #[arg(long)]
    pub no_mouse: bool,
    /// Memory; the oldest exchanges are forgotten beyond it [default: 256MiB]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Size>,
}

/// Where exchanges come from and go to.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Input and output")]
pub struct FlowOptions {
    /// Play a recording (`-`: standard input) instead of capturing; needs no root
    #[arg(
        short, long, value_name = "FILE",
        conflicts_with_all = ["pids", "processes", "containers", "users", "stdio", "ring"]
    )]
    pub read: Option<PathBuf>,
    /// Show recorded traffic of real clients, as it happened; needs no root
    #[arg(long, conflicts_with_all = ["read", "pids", "processes", "containers", "users", "stdio", "ring"])]
    pub demo: bool,
    /// Record everything captured, credentials included, into a new file
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// No screen: one JSON object a line when an exchange ends; `deltas`: also each piece of an
    /// answer as it arrives
    #[arg(
        long, value_name = "WHAT", value_enum, num_args = 0..=1, require_equals = true,
        default_missing_value = "exchanges", group = "lines"
    )]
    pub json: Option<JsonLines>,
    /// No screen: readable lines, for scripts and screen readers
    #[arg(long, group = "lines")]
    pub plain: bool,
    /// Where --json and --plain write, into a new file [default: standard output]
    #[arg(short, long, value_name = "FILE", requires = "lines")]
    pub output: Option<PathBuf>,
    /// Stop after this time, e.g. 40s, 5m, 1h; a number alone is seconds
    #[arg(long, value_name = "TIME", value_parser = config::duration)]
    pub duration: Option<Duration>,
    /// Stop after so many exchanges
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// Which lines `--json` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JsonLines {
    /// Exchanges, when they end.
    Exchanges,
    /// Also pieces of answers, when they arrive.
    Deltas,
}

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

impl FlowOptions {
    /// Whether lines are asked for instead of the screen.
    pub fn is_lines(&self) -> bool {
        self.json.is_some() || self.plain
    }
}

impl ShowOptions {
    /// The mode asked for, if any.
    pub fn mode(&self) -> Option<Mode> {
        [(self.llm_only, Mode::LlmOnly), (self.all, Mode::All), (self.raw, Mode::Raw)]
            .into_iter()
            .find_map(|(given, mode)| given.then_some(mode))
    }
}

/// The filter language in short, and every key.
fn filter_help() -> String {
    format!(
        "Only exchanges that pass: 'proc:claude tokens>5k !status:200 (model:opus or cost>$0.1)'. \
        `key:text` finds a part, `key=text` the whole, `key:/regex/` a pattern, `key:*` any value; \
        figures take < <= > >= and ranges (`1s..2s`); `and` is left out, `or`, `not` or `!`, and \
        brackets as usual; a word alone is searched everywhere; `@name` is a saved filter. Small \
        letters match capitals too. Keys:\n\n{}",
        filter::reference()
    )
}

fn user(text: &str) -> Result<User, String> {
    let uid = text.parse().ok().or_else(|| config::uid_of(text));
    let uid = uid.ok_or_else(|| "there is no such user".to_owned())?;
    Ok(User { name: text.to_owned(), uid })
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
