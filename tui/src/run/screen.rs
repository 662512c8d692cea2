//! The live screen.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, ensure};

use super::capture::{Capture, Plan};
use super::{settings, source};
use crate::app::{self, Hooks, Programs, UiOptions};
use crate::cli::{Cli, FlowOptions};
use crate::config::{Config, Mode, Place, Remembered, Size};
use crate::logging;
use crate::sink::export::Format;
use crate::sink::{OnFailure, Recorder, Sink, Tape, export, file};
use crate::store::{ExchangeId, Recording, Shared, Store};
use crate::term;
use crate::theme::{Depth, Theme};
use crate::view::Show;

/// Memory of llmtop unless another size is given.
const MEMORY: Size = Size(256 << 20);

/// What exchanges may take of so much memory: half. The other half is for the
/// program, open connections, conversations, and what the allocator holds in pieces
/// too small to use. The bench `soak` looks whether that is enough.
fn for_exchanges(memory: Size) -> u64 {
    memory.0 / 2
}

pub(super) fn run(cli: &Cli) -> anyhow::Result<()> {
    let config = settings::config(cli)?;
    let mut options = settings::options(&cli.show, &config)?;
    options.count = cli.flow.count;
    options.eager = true;
    // The demo is the same whenever it is played, and what is tried out there is not kept.
    let state = if cli.flow.demo { None } else { Place::of_user() };
    let mut ui = ui_options(cli, &config, options.mode, state.as_ref())?;
    // All that can fail does so before the terminal is taken.
    let prepared = source::prepare(cli)?;
    if let Some(missing) = term::missing() {
        let explained = format!("{missing}: use --plain or --json");
        return Err(settings::WrongUsage { explained }.into());
    }
    let recording = Arc::new(OnceLock::new());
    let tape = Tape::new(settings::recorder(cli, tell(Arc::clone(&recording)))?);
    ui.live = prepared.is_live();
    let mut session = prepared.session();
    if let Some(path) = &cli.flow.write {
        session.recording = Recording::To(path.display().to_string());
    }
    let shared = Arc::new(Shared::new(store(cli, &config), session)?);
    // Nobody else sets it.
    let _ = recording.set(Arc::clone(&shared));
    prepared.restrict()?;
    let told = Arc::clone(&shared);
    logging::divert(Some(Box::new(move |warning| {
        told.session().warn(warning);
        told.changed();
    })));
    let plan = Plan {
        prepared,
        cli: cli.clone(),
        config,
        options,
        sinks: vec![Box::new(tape.clone())],
        shared: Arc::clone(&shared),
    };
    let stage = Arc::new(Mutex::new(Some(plan.begin()?)));
    let hooks = hooks(cli, Arc::clone(&shared), Arc::clone(&stage), tape.clone(), state);
    let shown = app::run(Arc::clone(&shared), ui, hooks);
    let ended = on(&stage).take().map_or(Ok(()), Capture::stop);
    logging::divert(None);
    let problems = shared.session().all_problems();
    problems.iter().for_each(|problem| log::warn!("{problem}"));
    shown?;
    ended?;
    Ok(tape.result()?)
}

/// What is captured or played now.
type Stage = Mutex<Option<Capture>>;

fn on(stage: &Stage) -> MutexGuard<'_, Option<Capture>> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty one.
fn store(cli: &Cli, config: &Config) -> Store {
    let memory = cli.screen.memory.or(config.memory).unwrap_or(MEMORY);
    let mut store = Store::with_budget(for_exchanges(memory));
    store.keep_moments();
    store
}

/// Plays a recording in the place of what is on the stage; tells so, and what came of
/// the recording that was made of that. Nothing is changed where there is none to play.
fn play(
    path: &Path,
    cli: &Cli,
    shared: &Arc<Shared>,
    stage: &Stage,
    tape: &Tape,
) -> anyhow::Result<String> {
    // Standard input is the keyboard here, and nobody waits for a pipe.
    let name = path.display();
    ensure!(path.as_os_str() != "-", "{name}: is no file");
    let facts = path.metadata().with_context(|| name.to_string())?;
    ensure!(facts.is_file(), "{name}: is no file");
    let mut cli = cli.clone();
    cli.flow = FlowOptions { read: Some(path.to_owned()), ..FlowOptions::default() };
    let config = settings::config(&cli)?;
    let mut options = settings::options(&cli.show, &config)?;
    options.eager = true;
    let prepared = source::prepare(&cli)?;
    let mut now = on(stage);
    ensure!(!now.as_ref().is_some_and(Capture::is_starting), "the capture has not begun yet");
    // What came of it does not matter any more, but for its recording, which the tape
    // knows of. It may not have ended, where the capture had not begun.
    let _ = now.take().map(Capture::stop);
    let _ = tape.stop();
    *shared.store() = store(&cli, &config);
    let mut session = shared.session();
    let recorded = match std::mem::take(&mut session.recording) {
        Recording::To(file) => format!("; recorded to {file}"),
        failed_or_none => {
            session.recording = failed_or_none;
            String::new()
        }
    };
    session.turn_to(prepared.session());
    drop(session);
    let shared = Arc::clone(shared);
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(tape.clone())];
    *now = Some(Plan { prepared, cli, config, options, sinks, shared }.begin()?);
    Ok(format!("playing {}{recorded}", path.display()))
}

/// Records what comes from now on, or ends that; tells what it did.
fn record(path: Option<&Path>, shared: &Arc<Shared>, tape: &Tape) -> anyhow::Result<String> {
    let told = match path {
        None => {
            let before = std::mem::take(&mut shared.session().recording);
            tape.stop()?;
            match before {
                Recording::To(file) => format!("recorded to {file}"),
                _ => "nothing is recorded".to_owned(),
            }
        }
        Some(path) => {
            let screen = Arc::clone(shared);
            let on_failure = move |what: &str| {
                screen.session().recording = Recording::Failed(what.to_owned());
                screen.changed();
            };
            let now = llmtop_probe::Timestamp(settings::now()?.0);
            let recorder = Recorder::create(path, now, Box::new(on_failure))?;
            tape.begin(recorder);
            shared.session().recording = Recording::To(path.display().to_string());
            format!("recording to {}", path.display())
        }
    };
    shared.changed();
    Ok(told)
}

/// Shows on the screen, once there is one, that the recording failed.
fn tell(screen: Arc<OnceLock<Arc<Shared>>>) -> OnFailure {
    Box::new(move |what| {
        if let Some(shared) = screen.get() {
            shared.session().recording = Recording::Failed(what.to_owned());
            shared.changed();
        }
    })
}

fn ui_options(
    cli: &Cli,
    config: &Config,
    mode: Mode,
    state: Option<&Place>,
) -> anyhow::Result<UiOptions> {
    let (mut remembered, notice) = match state.map(Place::load) {
        Some(Ok(remembered)) => (remembered, None),
        Some(Err(why)) => (Remembered::default(), Some(why)),
        None => (Remembered::default(), None),
    };
    // Chosen on the screen, unless it is one of another version.
    remembered.theme = remembered.theme.filter(|name| Theme::NAMES.contains(&name.as_str()));
    let chosen = remembered.theme.as_ref().or(config.theme.as_ref());
    let theme = match cli.screen.theme.as_ref().or(chosen) {
        Some(name) => Theme::named(name, Depth::detected()).with_context(|| {
            format!("no theme is called `{name}`; there are {}", Theme::NAMES.join(", "))
        })?,
        None => Theme::detected(),
    };
    Ok(UiOptions {
        theme,
        show: match mode {
            Mode::Smart => Show::Smart,
            Mode::LlmOnly => Show::LlmOnly,
            Mode::All | Mode::Raw => Show::All,
        },
        show_secrets: cli.show.show_secrets,
        mouse: !cli.screen.no_mouse && config.mouse.unwrap_or(true),
        programs: programs(config),
        keys: config.key_map.clone(),
        filter: cli.show.filter.clone(),
        names: config.names(),
        remembered,
        notice,
        ..UiOptions::default()
    })
}

/// What the configuration names, else what the environment does.
fn programs(config: &Config) -> Programs {
    let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let usual = Programs::default();
    let editor = || set("VISUAL").or_else(|| set("EDITOR"));
    Programs {
        pager: config.pager.clone().or_else(|| set("PAGER")).unwrap_or(usual.pager),
        editor: config.editor.clone().or_else(editor).unwrap_or(usual.editor),
    }
}

/// Exports go where llmtop was started.
fn hooks(
    cli: &Cli,
    shared: Arc<Shared>,
    stage: Arc<Stage>,
    tape: Tape,
    state: Option<Place>,
) -> Hooks {
    let (cli, show_secrets) = (cli.clone(), cli.show.show_secrets);
    let (of, to, its) = (Arc::clone(&shared), Arc::clone(&shared), tape.clone());
    let play = move |path: &Path| {
        play(path, &cli, &of, &stage, &its).map_err(|error| format!("{error:#}"))
    };
    let record =
        move |path: Option<&Path>| record(path, &to, &tape).map_err(|error| format!("{error:#}"));
    let export = move |id: ExchangeId, format: Format| -> Result<PathBuf, String> {
        let (name, bytes) = export::one(&shared.store(), id, format, show_secrets)?;
        let directory = std::env::current_dir().map_err(|error| error.to_string())?;
        let (path, mut file) =
            create_numbered(&directory.join(name)).map_err(|error| error.to_string())?;
        file.write_all(&bytes).map_err(|error| error.to_string())?;
        Ok(path)
    };
    let remember = move |remembered: &Remembered| {
        if let Some(Err(why)) = state.as_ref().map(|place| place.save(remembered)) {
            log::warn!("{why}");
        }
    };
    Hooks {
        export: Box::new(export),
        play: Box::new(play),
        record: Box::new(record),
        remember: Box::new(remember),
    }
}

/// A new file of this name or, where that is taken, with a number after it: an
/// answer may be exported again when it has grown.
fn create_numbered(path: &Path) -> std::io::Result<(PathBuf, std::fs::File)> {
    const MOST: u32 = 1000;
    let [stem, end] = [path.file_stem(), path.extension()]
        .map(|part| part.unwrap_or_default().to_string_lossy().into_owned());
    let mut name = path.to_owned();
    for number in 2.. {
        match file::create(&name) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < MOST => {
                name = path.with_file_name(format!("{stem}-{number}.{end}"));
            }
            created => return created.map(|file| (name, file)),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
