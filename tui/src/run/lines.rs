//! `--json` and `--plain`: no screen, one line or paragraph an exchange.

use std::io::IsTerminal;
use std::sync::Arc;

use llmtop_probe::Source;

use super::{settings, signals, source};
use crate::cli::{Cli, JsonLines as Json};
use crate::pipeline::{self, Engine};
use crate::sink::{JsonLines, PlainLines, Recorder, Sink};
use crate::store::{Session, Shared, Store};

pub(super) fn run(cli: &Cli) -> anyhow::Result<()> {
    let signals = signals::take()?;
    let config = settings::config(cli)?;
    let mut options = settings::options(&cli.show, &config)?;
    options.count = cli.flow.count;
    options.eager = cli.flow.json == Some(Json::Deltas);
    let source: Box<dyn Source> = match &cli.flow.read {
        Some(path) => Box::new(source::recording(path)?),
        None => anyhow::bail!("capturing is not there yet; use -r"),
    };
    let kind = if cli.flow.read.is_some() { "recording" } else { "live" };

    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if let Some(path) = &cli.flow.write {
        sinks.push(Box::new(Recorder::create(path, now_of_capture()?)?));
    }
    let to = settings::output(cli.flow.output.as_deref())?;
    let secrets = cli.show.show_secrets;
    sinks.push(match cli.flow.json {
        Some(json) => {
            let deltas = json == Json::Deltas;
            Box::new(JsonLines::start(to, kind, settings::now()?, deltas, secrets)?)
        }
        None => Box::new(PlainLines::new(to, has_colour(cli), secrets)),
    });

    // Lines are all that is wanted of an exchange: none is kept.
    let store = Arc::new(Shared::new(Store::with_budget(0), Session::default())?);
    let control = source.control();
    let engine = Engine::new(options, store, sinks, Some(control), None);
    let running = pipeline::start(source, engine)?;
    signals.stop(running.control())?;
    signals::stop_after(cli.flow.duration, running.control())?;
    let outcome = running.join()?;
    outcome.sinks?;
    outcome.source?;
    Ok(())
}

fn now_of_capture() -> anyhow::Result<llmtop_probe::Timestamp> {
    Ok(llmtop_probe::Timestamp(settings::now()?.0))
}

/// Colour is for terminals, and not where it is unwanted (no-color.org).
fn has_colour(cli: &Cli) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    cli.flow.output.is_none() && !unwanted && std::io::stdout().is_terminal()
}
