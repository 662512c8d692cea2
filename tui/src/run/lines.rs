//! `--json` and `--plain`: no screen, one line or paragraph an exchange.

use std::io::IsTerminal;
use std::sync::Arc;

use super::{settings, signals, source};
use crate::cli::{Cli, JsonLines as Json};
use crate::pipeline::{self, Engine};
use crate::sink::{JsonLines, PlainLines, Sink};
use crate::store::{Shared, Store};

pub(super) fn run(cli: &Cli) -> anyhow::Result<()> {
    let config = settings::config(cli)?;
    let mut options = settings::options(&cli.show, &config)?;
    options.count = cli.flow.count;
    options.eager = cli.flow.json == Some(Json::Deltas);
    let prepared = source::prepare(cli)?;
    // From here on they are not lost, even if there is nothing to stop yet. Until here
    // they end what waits for the beginning of a recording.
    let signals = signals::take()?;
    let recorder = settings::recorder(cli, Box::new(|what| log::warn!("{what}")))?;
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    sinks.extend(recorder.map(|recorder| Box::new(recorder) as Box<dyn Sink>));
    let to = settings::output(cli.flow.output.as_deref())?;
    prepared.restrict()?;
    let opened = prepared.open(cli, &config)?;
    for problem in &opened.session.problems {
        log::info!("{problem}");
    }
    let secrets = cli.show.show_secrets;
    sinks.push(match cli.flow.json {
        Some(json) => {
            let deltas = json == Json::Deltas;
            Box::new(JsonLines::start(to, opened.kind(), settings::now()?, deltas, secrets)?)
        }
        None => Box::new(PlainLines::new(to, has_colour(cli), secrets)),
    });

    // Lines are all that is wanted of an exchange: none is kept.
    let shared = Arc::new(Shared::new(Store::with_budget(0), opened.session)?);
    let control = opened.source.control();
    let engine = Engine::new(options, shared, sinks, Some(control), opened.lookup);
    let running = pipeline::start(opened.source, engine)?;
    signals.stop(running.control())?;
    signals::stop_after(cli.flow.duration, running.control())?;
    running.join()?.into_result()
}

/// Colour is for terminals, and not where it is unwanted (no-color.org).
fn has_colour(cli: &Cli) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    cli.flow.output.is_none() && !unwanted && std::io::stdout().is_terminal()
}
