//! The options, by what they are about.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, ValueEnum};

use crate::config::{self, Mode, Size};
use crate::filter;
use crate::theme::Theme;

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
