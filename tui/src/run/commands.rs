//! The subcommands.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Context;
use clap::CommandFactory;

use super::{settings, source};
use crate::cli::{Cli, Command, ConfigAction};
use crate::config::{self, Config};
use crate::pipeline::{self, Engine};
use crate::sink::export::Exporter;
use crate::sink::file;
use crate::store::{Session, Shared, Store};

pub(super) fn run(cli: &Cli, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Doctor { explain: Some(pid), .. } => {
            print(llmtop_probe::doctor::explain(*pid).as_bytes())
        }
        Command::Doctor { json, explain: None } => doctor(*json),
        Command::Export { read, format, output, show } => {
            let config = settings::config(cli)?;
            let options = settings::options(show, &config)?;
            let recording = source::recording(read)?;
            let to = settings::output(output.as_deref())?;
            let exporter = Exporter::new(to, (*format).into(), show.show_secrets);
            let store = Arc::new(Shared::new(Store::with_budget(0), Session::default())?);
            let engine = Engine::new(options, store, vec![Box::new(exporter)], None, None);
            pipeline::start(Box::new(recording), engine)?.join()?.into_result()
        }
        Command::Config { action: ConfigAction::Init } => config_init(cli),
        Command::Config { action: ConfigAction::Check } => config_check(cli),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "llmtop", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            super::man::write(&mut page)?;
            print(&page)
        }
    }
}

fn doctor(json: bool) -> anyhow::Result<()> {
    let report = llmtop_probe::doctor::report(config::cache_path());
    if json {
        print(format!("{}\n", serde_json::to_string_pretty(&report)?).as_bytes())?;
    } else {
        print(format!("{}\n", report.to_string().trim_end()).as_bytes())?;
    }
    // What was printed says why, for people; this does for scripts.
    Ok(llmtop_probe::privileges::check()?)
}

fn config_init(cli: &Cli) -> anyhow::Result<()> {
    let path = settings::config_path(cli).context("there is no home directory; use --config")?;
    if path.symlink_metadata().is_ok() {
        anyhow::bail!("{}: exists already; it was not changed", path.display());
    }
    if let Some(directory) = path.parent() {
        file::create_directories(directory).with_context(|| directory.display().to_string())?;
    }
    file::create(&path)?.write_all(config::template().as_bytes())?;
    print(format!("{}: written\n", path.display()).as_bytes())
}

fn config_check(cli: &Cli) -> anyhow::Result<()> {
    let path = settings::config_path(cli).context("there is no home directory; use --config")?;
    let asked = cli.config.is_some();
    Config::load(&path, asked)?;
    let said = if path.exists() { "right" } else { "not there; the defaults hold" };
    print(format!("{}: {said}\n", path.display()).as_bytes())
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    Ok(stdout.flush()?)
}
