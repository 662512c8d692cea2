//! The configuration file: what it may say, where it lies.

mod duration;
mod keys;
mod place;
mod size;
mod state;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};

use crate::filter::{self, Filter};
use crate::keymap::KeyMap;
use crate::nearest::nearest;
use crate::theme::Theme;

pub use duration::duration;
pub use keys::Keys;
pub use place::{Invoker, account_of, cache_path, default_path, groups_of, invoker, uid_of};
pub use size::Size;
pub use state::{List, Place, Remembered};

/// Every setting, commented, at its default, but for the keys.
const TEMPLATE: &str = include_str!("template.toml");

/// What `llmtop config init` writes: every setting, commented, at its default.
pub fn template() -> String {
    TEMPLATE.to_owned() + &keys::template()
}

/// Which exchanges are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// LLM exchanges, and other JSON over HTTP dimmed.
    #[default]
    Smart,
    /// LLM exchanges only.
    LlmOnly,
    /// Every HTTP exchange.
    All,
    /// Every connection.
    Raw,
}

/// The settings of a configuration file. The command line wins over them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which exchanges are shown.
    pub mode: Mode,
    /// Colours of the live screen; `None`: what suits the terminal.
    #[serde(deserialize_with = "theme")]
    pub theme: Option<String>,
    /// Whether the live screen takes the mouse; `None`: yes.
    pub mouse: Option<bool>,
    /// What texts are read with; `None`: `$PAGER`.
    pub pager: Option<String>,
    /// What texts are edited with; `None`: `$VISUAL` or `$EDITOR`.
    pub editor: Option<String>,
    /// Memory of the live screen; `None`: 256 MiB.
    pub memory: Option<Size>,
    /// Size of the ring buffer; `None`: by the machine's memory.
    pub ring: Option<Size>,
    /// Saved filters, used as `@name`.
    pub filters: BTreeMap<String, toml::Spanned<String>>,
    /// Keys of actions, by the actions' names.
    pub keys: BTreeMap<toml::Spanned<String>, toml::Spanned<Keys>>,
    /// What [`keys`](Self::keys) say.
    #[serde(skip)]
    pub key_map: KeyMap,
    /// Prices that are added to the built-in table, and win over it.
    pub prices: Vec<Price>,
}

/// What one model's tokens cost, in US dollars for a million.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model, as requests or answers name it.
    pub model: String,
    /// Only of this provider; `None`: of any.
    pub provider: Option<String>,
    /// Input tokens that were in no cache.
    #[serde(deserialize_with = "dollars")]
    pub input: f64,
    /// Output tokens.
    #[serde(deserialize_with = "dollars")]
    pub output: f64,
    /// Input tokens read from a cache; `None`: as `input`.
    #[serde(default, deserialize_with = "some_dollars")]
    pub cache_read: Option<f64>,
    /// Input tokens written to a cache; `None`: as `input`.
    #[serde(default, deserialize_with = "some_dollars")]
    pub cache_write: Option<f64>,
    /// Input tokens of audio; `None`: an exchange with audio is unpriced.
    #[serde(default, deserialize_with = "some_dollars")]
    pub input_audio: Option<f64>,
    /// Output tokens of audio; `None`: an exchange with audio is unpriced.
    #[serde(default, deserialize_with = "some_dollars")]
    pub output_audio: Option<f64>,
    /// Tokens of its context window; `None`: as in the built-in table.
    pub context: Option<u64>,
}

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there, on one line.
    pub message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut config: Config = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            locate(text, at, hint(error.message()))
        })?;
        config.key_map =
            keys::map(&config.keys).map_err(|(at, message)| locate(text, at, message))?;
        let names = config.names();
        for (name, filter) in &config.filters {
            let wrong = |message| Err(locate(text, filter.span().start, message));
            let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(inside) {
                return wrong(format!(
                    "`{name}` is no name for a filter: letters, digits, - and _"
                ));
            }
            if let Err(error) = Filter::parse(filter.get_ref(), &names) {
                let column = error.column(filter.get_ref());
                return wrong(format!("filter `{name}`, column {column} of it: {error}"));
            }
        }
        Ok(config)
    }

    /// What filters may name.
    pub fn names(&self) -> filter::Names {
        let saved = self.filters.iter();
        let saved = saved.map(|(name, filter)| (name.clone(), filter.get_ref().clone())).collect();
        filter::Names { saved, uid_of }
    }

    /// Reads a configuration file. No file is no configuration, unless it
    /// was `asked` for.
    ///
    /// # Errors
    /// What is wrong with it, in one line that names the file.
    pub fn load(path: &Path, asked: bool) -> anyhow::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                Self::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked => {
                Ok(Config::default())
            }
            // Below a home that somebody else left in the environment.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied && !asked => {
                log::info!("{}: {error}", path.display());
                Ok(Config::default())
            }
            Err(error) => Err(anyhow::anyhow!("{}: {error}", path.display())),
        }
    }
}

fn theme<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    if Theme::NAMES.contains(&name.as_str()) {
        return Ok(Some(name));
    }
    let names = Theme::NAMES.join(", ");
    Err(serde::de::Error::custom(format!("no theme is called `{name}`; there are {names}")))
}

fn dollars<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let dollars = f64::deserialize(from)?;
    if (0.0..=1e6).contains(&dollars) {
        Ok(dollars)
    } else {
        Err(serde::de::Error::custom("no price in dollars for a million tokens"))
    }
}

fn some_dollars<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    dollars(from).map(Some)
}

/// Turns an offset into a line and a column.
fn locate(text: &str, at: usize, message: String) -> ConfigError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ConfigError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message,
    }
}

/// Adds to `unknown field` what was probably meant.
fn hint(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let mut names = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown field") {
        return message;
    }
    let Some(unknown) = names.next() else { return message };
    match nearest(unknown, names) {
        Some(name) => format!("unknown setting `{unknown}`; did you mean `{name}`?"),
        None => message.replacen("unknown field", "unknown setting", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_snapshot_and_says_nothing_new() {
        insta::assert_snapshot!("template", TEMPLATE);
        assert_eq!(Config::parse(&template()), Ok(Config::default()));
    }

    #[test]
    fn the_template_uncommented_names_every_setting() {
        let uncommented: String = TEMPLATE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let config = Config::parse(&uncommented).unwrap();
        assert_eq!(config.memory, Some(Size(256 << 20)));
        assert_eq!(config.mouse, Some(true));
        assert!(config.pager.is_some() && config.editor.is_some());
        assert!(config.theme.is_some() && config.ring.is_some());
        assert_eq!(config.filters.len(), 1);
        assert_eq!(config.prices.len(), 1);
        assert!(config.prices[0].cache_read.is_some() && config.prices[0].provider.is_some());
        assert_eq!(config.prices[0].output_audio, Some(20.0));
        assert_eq!(config.prices[0].context, Some(200_000));
    }

    #[test]
    fn errors_say_where_and_what() {
        let cases: &[(&str, (usize, usize), &str)] = &[
            ("theme = \"dark\"\nmemroy = 3\n", (2, 1), "did you mean `memory`?"),
            ("  colour = 3\n", (1, 3), "unknown setting `colour`, expected one of"),
            ("mouse = true\ntheme = \"nope\"\n", (2, 9), "`nope`; there are dark, light"),
            ("mouse = \"yes\"\n", (1, 9), "boolean"),
            ("mode = \"everything\"\n", (1, 8), "everything"),
            ("memory = \"12 parsecs\"\n", (1, 10), "size"),
            ("theme = \n", (1, 9), ""),
            ("[filters]\na = \"llm:yes\"\nb = \"@a modle:x\"", (3, 5), "column 4 of it"),
            ("[filters]\na = \"@b\"\nb = \"@a\"", (2, 5), "names itself"),
            ("[filters]\n\"a b\" = \"llm:yes\"", (2, 9), "no name"),
            ("[[prices]]\nmodel = \"m\"\ninput = 1\n", (1, 1), "output"),
            ("[[prices]]\nmodel = \"m\"\ninput = -1\noutput = 2\n", (3, 9), "price"),
            (
                "[[prices]]\nmodel = \"m\"\ninput = 1\noutput = 2\ncash_read = 1",
                (5, 1),
                "cache_read",
            ),
        ];
        for (text, (line, column), part) in cases {
            let error = Config::parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text:?}: {error}");
            assert!(!error.message.contains('\n'), "{text:?}: {error}");
            assert_eq!((error.line, error.column), (*line, *column), "{text:?}: {error}");
        }
    }
}
