//! The event loop: one thread that sleeps until the keyboard, the store, a
//! signal or the clock has something for [`App`].

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use llmtop_parsers::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};

use super::event::{Event, Signal};
use super::keyboard::{Keyboard, Listening};
use super::{App, Effect, Exit, Hooks, Programs, Shared, UiOptions, Victim, With};
use crate::kill;
use crate::program::{self, State};
use crate::term::Term;
use crate::ui;
use crate::view::{Role, format};

/// Time between two frames: at most 30 a second.
const FRAME: Duration = Duration::from_millis(33);

/// Time between two pieces of what does not fit into a frame.
const PAUSE: Duration = Duration::from_millis(2);

/// Time after the order to end in which a hang-up is a part of that.
const HANGUP: Duration = Duration::from_secs(1);

/// Shows the screen until the person or a signal ends it. The terminal is
/// given back before this returns, and before a panic is printed.
///
/// # Errors
/// There is no terminal, or it was lost.
pub fn run(shared: Arc<Shared>, options: UiOptions, hooks: Hooks) -> anyhow::Result<Exit> {
    let keyboard = Keyboard::open().context("no terminal to read keys from")?;
    let (signals, wake) = Signals::watch().context("cannot watch for signals")?;
    let size = crossterm::terminal::size().context("no terminal to draw on")?;
    let term = Term::take(options.mouse).context("cannot take the terminal")?;
    let keyboard = keyboard.listen(wake).context("cannot start to read keys")?;
    let programs = options.programs.clone();
    let app = App::new(options, size, now());
    Loop { shared, app, term, hooks, programs, keyboard, signals, drawn: None }.run()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_nanos() as u64)
}

struct Loop {
    shared: Arc<Shared>,
    app: App,
    term: Term,
    hooks: Hooks,
    programs: Programs,
    keyboard: Listening,
    signals: Signals,
    /// When the last frame was drawn.
    drawn: Option<Instant>,
}

impl Loop {
    fn run(mut self) -> anyhow::Result<Exit> {
        let before = self.app.remembered();
        let exit = self.watch();
        let after = self.app.remembered();
        if after != before {
            (self.hooks.remember)(&after);
        }
        exit
    }

    fn watch(&mut self) -> anyhow::Result<Exit> {
        loop {
            self.draw()?;
            // Reading a long request takes a while: not while the store waits.
            self.app.work();
            let ready = self.wait()?;
            if self.app.is_behind() {
                self.app.catch_up(&mut self.shared.store());
            }
            for event in self.events(ready)? {
                let effects = self.app.update(event, &self.shared.store(), now());
                for effect in effects {
                    if let Some(exit) = self.carry_out(effect)? {
                        return Ok(exit);
                    }
                }
            }
        }
    }

    /// Draws, if there is anything new and it is time.
    fn draw(&mut self) -> io::Result<()> {
        if !self.app.dirty() || self.drawn.is_some_and(|at| at.elapsed() < FRAME) {
            return Ok(());
        }
        self.drawn = Some(Instant::now());
        // Whatever changes from here on rings again.
        self.shared.take_change();
        let theme = *self.app.theme();
        let screen = {
            let session = self.shared.session().clone();
            // The store is held while the visible part of it is copied, and
            // not while that is drawn.
            self.app.screen(&mut self.shared.store(), &session, now())
        };
        self.term.draw(|buffer| ui::render(buffer, screen, &theme))
    }

    /// Sleeps until something happens; tells what it was.
    fn wait(&mut self) -> io::Result<Ready> {
        let frame = self
            .app
            .dirty()
            .then(|| self.drawn.map_or(Duration::ZERO, |at| FRAME.saturating_sub(at.elapsed())));
        let tick =
            self.app.next_tick().map(|at| Duration::from_nanos(at.0.saturating_sub(now().0)));
        // What is to be drawn anyway waits for its frame, and for nothing else.
        let timeout = frame.or(tick);
        // What lags behind is caught up with in pieces, and the store is free between.
        let timeout = match self.app.is_behind() {
            true => Some(timeout.map_or(PAUSE, |timeout| timeout.min(PAUSE))),
            false => timeout,
        };
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut fds = [
            // Its end only: what is typed wakes us by the socket.
            PollFd::new(&self.keyboard, PollFlags::empty()),
            PollFd::new(&self.signals.woken, PollFlags::IN),
            PollFd::new(&*self.shared, PollFlags::IN),
        ];
        // A bell that has been heard rings on until the next frame: thousands
        // of tokens a second wake us 30 times.
        let listened = if self.app.listens() { 3 } else { 2 };
        match poll(&mut fds[..listened], timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Ready {
            changed: fds[2].revents().contains(PollFlags::IN),
            gone: !fds[0].revents().is_empty(),
        })
    }

    /// What happened.
    fn events(&mut self, ready: Ready) -> io::Result<Vec<Event>> {
        let mut events = self.signals.take();
        if ready.gone {
            events.push(Event::Signal(Signal::Quit));
            return Ok(events);
        }
        if self.signals.resized.swap(false, Ordering::AcqRel) {
            let (width, height) = crossterm::terminal::size()?;
            events.push(Event::Resize { width, height });
        }
        events.extend(self.keyboard.typed());
        if ready.changed {
            events.push(Event::StoreChanged);
        }
        if self.app.next_tick().is_some_and(|at| now() >= at) {
            events.push(Event::Tick);
        }
        Ok(events)
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<Option<Exit>> {
        match effect {
            Effect::Exit(exit) => return Ok(Some(exit)),
            Effect::Export(id, format) => match (self.hooks.export)(id, format) {
                Ok(path) => self.app.tell(&format!("written to {}", path.display()), Role::Good),
                Err(why) => self.app.tell(&format!("not written: {why}"), Role::Error),
            },
            Effect::Kill(kill, Victim { pid, started, .. }) => {
                match kill::send(kill, pid, started) {
                    Ok(()) => self.app.tell(&format!("{} sent to {pid}", kill.name()), Role::Good),
                    Err(why) => self.app.tell(&format!("not sent: {why}"), Role::Error),
                }
            }
            Effect::Play(path) => match (self.hooks.play)(&path) {
                Ok(told) => {
                    self.app.restart();
                    self.app.tell(&told, Role::Good);
                }
                Err(why) => self.app.tell(&format!("not played: {why}"), Role::Error),
            },
            Effect::Record(path) => match (self.hooks.record)(path.as_deref()) {
                Ok(told) => self.app.tell(&told, Role::Good),
                Err(why) => self.app.tell(&format!("not recorded: {why}"), Role::Error),
            },
            Effect::Copy(text) => {
                let copied = self.term.copy(&text)?;
                let cut = if copied < text.len() { " (the beginning: it was longer)" } else { "" };
                let size = format::bytes(copied as u64);
                self.app.tell(&format!("copied {size}{cut}"), Role::Good);
            }
            Effect::Open { with, extension, text } => self.open(with, extension, &text)?,
            Effect::Mouse(on) => self.term.mouse(on)?,
            Effect::Suspend => self.suspend()?,
            Effect::Resume => self.resume()?,
        }
        Ok(None)
    }

    /// Stops like any program does on Ctrl-Z; goes on when told to.
    fn suspend(&mut self) -> io::Result<()> {
        self.term.leave()?;
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        // Here again: SIGCONT came. It is told as an event too, but nothing may
        // be drawn before the terminal is ours.
        self.resume()
    }

    /// Gives the terminal to a program that shows a text, and takes it again.
    fn open(&mut self, with: With, extension: &str, text: &str) -> io::Result<()> {
        if !self.keyboard.pause() {
            self.app.tell("not opened: a key is being read still", Role::Warning);
            return Ok(());
        }
        self.term.leave()?;
        let program = self.programs.of(with).to_owned();
        let ended = self.attend(&program, extension, text);
        self.keyboard.resume();
        self.resume()?;
        match ended {
            Ok(true) => {}
            Ok(false) => self.app.tell(&format!("{program}: failed"), Role::Warning),
            Err(error) => self.app.tell(&format!("{program}: {error}"), Role::Error),
        }
        Ok(())
    }

    /// Waits for a program that has the terminal. `false`: it failed.
    fn attend(&mut self, program: &str, extension: &str, text: &str) -> io::Result<bool> {
        let running = program::start(program, extension, text)?;
        loop {
            // First what woke us is taken, then it is looked after: nothing is missed.
            self.signals.rest();
            match running.state()? {
                State::Ended(well) => return Ok(well),
                State::Stopped => {
                    // The shell has to see that its job stands still.
                    let own = rustix::process::getpid();
                    rustix::process::kill_process(own, rustix::process::Signal::STOP)?;
                    running.go_on();
                    continue;
                }
                State::Runs => {}
            }
            if self.signals.quit.load(Ordering::Acquire) {
                running.hang_up();
                return Ok(true);
            }
            match poll(&mut [PollFd::new(&self.signals.woken, PollFlags::IN)], None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn resume(&mut self) -> io::Result<()> {
        self.term.enter()?;
        let (width, height) = crossterm::terminal::size()?;
        self.app.update(Event::Resize { width, height }, &self.shared.store(), now());
        Ok(())
    }
}

/// What [`Loop::wait`] found.
struct Ready {
    changed: bool,
    /// The terminal hung up.
    gone: bool,
}

/// Signals as flags, and a socket that wakes the loop.
struct Signals {
    woken: UnixStream,
    quit: Arc<AtomicBool>,
    /// Ctrl-C in a terminal that is another program's.
    interrupted: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    resumed: Arc<AtomicBool>,
    resized: Arc<AtomicBool>,
    registered: Vec<signal_hook::SigId>,
}

impl Signals {
    /// The signals, and the other end of their socket.
    fn watch() -> io::Result<(Self, UnixStream)> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let mut signals = Signals {
            woken,
            quit: Arc::default(),
            interrupted: Arc::default(),
            stop: Arc::default(),
            resumed: Arc::default(),
            resized: Arc::default(),
            registered: Vec::new(),
        };
        for (signal, flag) in [
            (SIGINT, &signals.interrupted),
            (SIGTERM, &signals.quit),
            (SIGHUP, &signals.quit),
            (SIGQUIT, &signals.quit),
            (SIGTSTP, &signals.stop),
            (SIGCONT, &signals.resumed),
            (SIGWINCH, &signals.resized),
        ] {
            // Told to end a second time before the first was heard: the loop
            // hangs in something, so it ends at once, whatever the screen shows.
            if matches!(signal, SIGTERM | SIGHUP | SIGQUIT) {
                let quit = Arc::clone(&signals.quit);
                let shutdown = signal_hook::flag::register_conditional_shutdown;
                signals.registered.push(shutdown(signal, 1, quit)?);
            }
            // The flag first: who is woken finds it set.
            signals.registered.push(signal_hook::flag::register(signal, Arc::clone(flag))?);
            let wake = wake.try_clone()?;
            signals.registered.push(signal_hook::low_level::pipe::register(signal, wake)?);
        }
        // That a program has ended, or was stopped, wakes us and is no event.
        signals
            .registered
            .push(signal_hook::low_level::pipe::register(SIGCHLD, wake.try_clone()?)?);
        Ok((signals, wake))
    }

    /// Takes what woke us. What the terminal's keys ask of a program that has it is
    /// nothing that they ask of us.
    fn rest(&mut self) {
        self.drain();
        for flag in [&self.interrupted, &self.stop, &self.resumed] {
            flag.store(false, Ordering::Release);
        }
    }

    fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.woken.read(&mut bytes), Ok(read) if read > 0) {}
    }

    fn take(&mut self) -> Vec<Event> {
        self.drain();
        let mut events = Vec::new();
        let interrupted = self.interrupted.swap(false, Ordering::AcqRel);
        if self.quit.swap(false, Ordering::AcqRel) || interrupted {
            events.push(Event::Signal(Signal::Quit));
        }
        if self.stop.swap(false, Ordering::AcqRel) {
            events.push(Event::Signal(Signal::Stop));
        }
        if self.resumed.swap(false, Ordering::AcqRel) {
            events.push(Event::Signal(Signal::Resumed));
        }
        events
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            signal_hook::low_level::unregister(id);
        }
        // Whatever ends now may hang, and is ended at once then.
        for signal in [SIGINT, SIGTERM, SIGQUIT] {
            let always = Arc::new(AtomicBool::new(true));
            // Without, it is the second signal of the shell that ends it.
            let _ = signal_hook::flag::register_conditional_default(signal, always);
        }
        // A hang-up may come with the order to end, of the same terminal: later, it is an
        // order of its own.
        let later = Arc::<AtomicBool>::default();
        let _ = signal_hook::flag::register_conditional_default(SIGHUP, Arc::clone(&later));
        let arm = move || {
            std::thread::sleep(HANGUP);
            later.store(true, Ordering::Release);
        };
        // Without a thread, hang-ups are not heard any more.
        let _ = std::thread::Builder::new().name("hangup".to_owned()).spawn(arm);
    }
}
