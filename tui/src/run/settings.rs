//! The command line and the configuration file, together.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use llmtop_parsers::Timestamp;
use llmtop_parsers::price::{ANY_PROVIDER, PriceError, PriceTable, Providers, Rates};

use crate::cli::{Cli, ShowOptions};
use crate::config::{self, Config};
use crate::filter::Filter;
use crate::pipeline::Options;
use crate::sink::{OnFailure, Recorder, file};

/// The built-in price table.
const PRICES: &str = include_str!("../../../assets/prices.json");

/// The configuration file that holds: the given one, or the user's.
pub(super) fn config_path(cli: &Cli) -> Option<PathBuf> {
    cli.config.clone().or_else(config::default_path)
}

/// The configuration. One that was asked for has to be there.
pub(super) fn config(cli: &Cli) -> anyhow::Result<Config> {
    match config_path(cli) {
        Some(path) => Config::load(&path, cli.config.is_some()),
        None => Ok(Config::default()),
    }
}

/// What the pipeline is to do.
pub(super) fn options(show: &ShowOptions, config: &Config) -> anyhow::Result<Options> {
    Ok(Options {
        mode: show.mode().unwrap_or(config.mode),
        both_ends: show.both_ends,
        prices: Arc::new(prices(config)?),
        filter: filter(show, config)?,
        ..Options::default()
    })
}

/// The filter that was asked for.
///
/// # Errors
/// [`WrongUsage`].
pub(super) fn filter(show: &ShowOptions, config: &Config) -> anyhow::Result<Option<Filter>> {
    let Some(text) = &show.filter else { return Ok(None) };
    let filter = Filter::parse(text, &config.names())
        .map_err(|error| WrongUsage { explained: error.explain(text) })?;
    Ok(Some(filter).filter(|filter| !filter.is_empty()))
}

/// Something on the command line is wrong that its grammar does not tell.
#[derive(Debug)]
pub(super) struct WrongUsage {
    /// What is wrong, and where: a line or more, fit for a terminal.
    pub(super) explained: String,
}

impl std::fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.explained)
    }
}

impl std::error::Error for WrongUsage {}

/// The built-in prices and the user's, which win.
fn prices(config: &Config) -> anyhow::Result<PriceTable> {
    let wrong = |error: PriceError| anyhow::anyhow!("prices: {}", error.0);
    let mut table = PriceTable::parse(PRICES).map_err(wrong)?;
    let mut own = Providers::new();
    for price in &config.prices {
        let provider = price.provider.clone().unwrap_or_else(|| ANY_PROVIDER.to_owned());
        let rates = Rates {
            input: price.input,
            output: price.output,
            cache_read: price.cache_read,
            cache_write: price.cache_write,
            input_audio: price.input_audio,
            output_audio: price.output_audio,
            context: price.context,
            ..Rates::default()
        };
        own.entry(provider).or_default().insert(price.model.clone(), rates);
    }
    table.extend(PriceTable::from_providers(own).map_err(wrong)?);
    Ok(table)
}

/// Where lines go: a new file, or standard output. Each line is flushed by
/// its writer.
pub(super) fn output(path: Option<&Path>) -> io::Result<Box<dyn Write + Send>> {
    Ok(match path {
        Some(path) => Box::new(io::BufWriter::new(file::create(path)?)),
        None => Box::new(io::BufWriter::with_capacity(1 << 16, io::stdout())),
    })
}

/// The recording to make, if one is asked for.
pub(super) fn recorder(cli: &Cli, on_failure: OnFailure) -> anyhow::Result<Option<Recorder>> {
    let Some(path) = &cli.flow.write else { return Ok(None) };
    if let Some(read) = &cli.flow.read
        && path.canonicalize().is_ok_and(|to| read.canonicalize().is_ok_and(|from| from == to))
    {
        anyhow::bail!("{}: is read already, and cannot be written at once", path.display());
    }
    let now = llmtop_probe::Timestamp(now()?.0);
    Ok(Some(Recorder::create(path, now, on_failure)?))
}

/// Now, in nanoseconds since the Unix epoch.
pub(super) fn now() -> anyhow::Result<Timestamp> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("this machine's clock is before 1970")?;
    Ok(Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}
