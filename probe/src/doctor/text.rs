//! The report for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use super::{File, Report, User};
use crate::discovery::Found;
use crate::{Explanation, Function, Method, Placement, Site, Tls, stack};

const WIDTH: usize = 80;

/// How sockets without TLS are covered.
const PLAIN: &str = "of every process, TCP sockets on which a read or a write begins like HTTP";

/// What a kernel does that has filters of system calls see a probe.
const FILTERED: &str = "this kernel may end a program whose filter allows a list of calls where \
    a return is probed; 6.12.14, 6.13.3 and later do not";

/// How standard input and output are.
const STDIO: &str = "with --stdio, of every process: pipes that begin like JSON-RPC";

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (used, idle): (Vec<_>, Vec<_>) = self.files.iter().partition(|f| !f.users.is_empty());
        wrapped(f, "", &self.verdict(&used, &idle))?;
        self.system_section(f)?;
        section(f, "TLS libraries in use", &used, places)?;
        section(f, "TLS libraries nobody uses yet (probed all the same)", &idle, functions)?;
        if !self.uncovered.is_empty() || self.hidden > 0 {
            writeln!(f, "\nNot covered")?;
        }
        if self.hidden > 0 {
            let hidden = count(self.hidden, "process", "processes");
            wrapped(f, "  ", &format!("{hidden} into which this user may not look"))?;
        }
        for uncovered in &self.uncovered {
            writeln!(f, "  {}", name(&uncovered.process))?;
            for reason in &uncovered.reasons {
                wrapped(f, "    ", &clean(reason))?;
            }
        }
        Ok(())
    }
}

impl Report {
    /// What it all comes to, before anything is told in full.
    fn verdict(&self, used: &[&File], idle: &[&File]) -> String {
        if let Some(problem) = &self.problem {
            return format!("Capture is not possible: {problem}");
        }
        let users: BTreeSet<u32> =
            used.iter().flat_map(|file| &file.users).map(|user| user.pid).collect();
        let libraries = count(used.len(), "TLS library", "TLS libraries");
        let mut verdict = format!(
            "Capture is ready: {libraries} in use by {}, {} that nobody uses yet.",
            count(users.len(), "process", "processes"),
            idle.len()
        );
        if self.plain_problem.is_some() {
            verdict.push_str(" HTTP without TLS is not covered.");
        }
        let uncovered = self.uncovered.len() + self.hidden;
        if uncovered > 0 {
            let of = count(uncovered, "process", "processes");
            verdict.push_str(&format!(" Of {of} something is not covered, as told at the end."));
        }
        verdict
    }

    fn system_section(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let system = &self.system;
        let yes = |is: bool| if is { "yes" } else { "no" };
        writeln!(f, "\nMachine")?;
        row(f, "kernel", &format!("{} {}", system.kernel, system.machine))?;
        row(f, "uprobes", yes(system.uprobes))?;
        row(f, "bpf_loop", yes(system.bpf_loop))?;
        row(f, "BTF", yes(system.btf))?;
        if system.returns_are_filtered {
            row(f, "seccomp", FILTERED)?;
        }
        row(f, "tracefs", system.tracefs.as_deref().unwrap_or("not to be seen"))?;
        row(f, "lockdown", system.lockdown.as_deref().unwrap_or("none"))?;
        row(f, "capabilities", &list(&system.held))?;
        if !system.missing.is_empty() {
            row(f, "missing", &list(&system.missing))?;
        }
        if !system.first_pid_namespace {
            row(f, "processes", "a pid namespace hides most (docker run --pid=host)")?;
        }
        match &self.problem {
            None => row(f, "capture", "ready")?,
            Some(problem) => row(f, "capture", &format!("not possible: {problem}"))?,
        }
        match &self.plain_problem {
            None if self.problem.is_some() => {
                row(f, "plain HTTP", &format!("once capture is possible: {PLAIN}"))?;
            }
            None => row(f, "plain HTTP", &format!("covered: {PLAIN}"))?,
            Some(problem) => row(f, "plain HTTP", &format!("not covered: {problem}"))?,
        }
        match &self.plain_problem {
            None => row(f, "MCP on stdio", STDIO),
            // Told by the same way through the kernel's structures.
            Some(_) => row(f, "MCP on stdio", "not covered, for the same reason"),
        }
    }
}

/// So many, in words.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Tells where a file is probed.
type Places = fn(&mut Formatter<'_>, &[&Site]) -> fmt::Result;

/// Each place, and why it is there.
fn places(f: &mut Formatter<'_>, sites: &[&Site]) -> fmt::Result {
    sites.iter().try_for_each(|site| describe(f, site))
}

/// Only the functions, each once.
fn functions(f: &mut Formatter<'_>, sites: &[&Site]) -> fmt::Result {
    let mut names: Vec<String> = Vec::new();
    for site in sites {
        let name = clean(&site.symbol);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let places = count(sites.len(), "place", "places");
    wrapped(f, "    ", &format!("{places}: {}", names.join(", ")))
}

fn section(f: &mut Formatter<'_>, title: &str, files: &[&File], places: Places) -> fmt::Result {
    if files.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    for file in files {
        let target = &file.coverage.target;
        writeln!(f, "  {}", clean(&target.shown_path))?;
        let cached = if file.coverage.cached { " (cached)" } else { "" };
        let found = match file.coverage.found {
            Found::Mapped => "found in a process",
            Found::LinkerCache => "found in the linker's cache",
            Found::Installed | Found::Client => "found installed",
            Found::Known => "was in a process in an earlier run",
        };
        let told = |stack: &stack::Found| format!("{}, {}", library(stack), told(stack.method));
        let stacks: Vec<_> = target.stacks.iter().map(told).collect();
        wrapped(f, "    ", &format!("{}{cached}, {found}", stacks.join("; ")))?;
        if !file.users.is_empty() {
            wrapped(f, "    ", &format!("used by {}", names(&file.users)))?;
        }
        let sites: Vec<&Site> = target.stacks.iter().flat_map(|stack| &stack.sites).collect();
        places(f, &sites)?;
    }
    Ok(())
}

fn library(stack: &stack::Found) -> String {
    match (&stack.version, stack.tls) {
        (Some(version), _) => clean(version),
        // It has no versions.
        (None, Tls::Boringssl) => Tls::Boringssl.to_string(),
        (None, tls) => format!("{tls}, of unknown version"),
    }
}

fn told(method: Method) -> &'static str {
    match method {
        Method::Symbols => "told by symbols",
        Method::References => "told by cross-references",
        Method::FunctionTable => "told by its table of functions",
        Method::Tables => "told by its tables of functions",
    }
}

/// What was found out about the files of one process.
pub(super) struct Explained {
    pub(super) pid: u32,
    pub(super) files: Vec<Explanation>,
}

impl Display for Explained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.files.is_empty() {
            let none = "maps no file with a sign of a TLS library that this version knows";
            return wrapped(f, "", &format!("process {} {none}, or it is hidden", self.pid));
        }
        for file in &self.files {
            writeln!(f, "{}", clean(&file.path))?;
            for note in &file.notes {
                wrapped(f, "  ", &clean(note))?;
            }
            for why in &file.contents.uncovered {
                wrapped(f, "  ", &clean(&format!("not covered: {why}")))?;
            }
            for stack in &file.contents.found {
                wrapped(f, "  ", &format!("covered: {}", library(stack)))?;
                for site in &stack.sites {
                    describe(f, site)?;
                }
            }
        }
        Ok(())
    }
}

/// Beside what else is said of a place.
const LONGEST_SYMBOL: usize = 30;

fn describe(f: &mut Formatter<'_>, site: &Site) -> fmt::Result {
    let function = match site.function {
        Function::Write => "write",
        Function::Read => "read",
        Function::Free => "free",
        Function::Handshake => "begin",
        Function::SetFd => "set fd",
        Function::Ctrl => "ctrl",
        Function::ServerName => "name",
        Function::Uncork => "uncork",
    };
    let placement = match site.placement {
        Placement::Emulated => "entry, emulated",
        Placement::Internal => "internal, emulated",
        Placement::Later => "later, emulated",
        Placement::Stepped => "entry, single-stepped",
        Placement::Returns => "returns, single-stepped",
    };
    let at = match site.placement {
        Placement::Returns => site.returns.first().copied().unwrap_or(site.entry),
        _ => site.entry,
    };
    let at = format!("{at:#x}");
    let symbol = clean(&site.symbol);
    if symbol.chars().count() <= LONGEST_SYMBOL {
        writeln!(f, "    {function:<7}{symbol:<24} {at:<12} {placement}")?;
    } else {
        writeln!(f, "    {function:<7}{symbol}\n{:35} {at:<12} {placement}", "")?;
    }
    wrapped(f, "           ", &clean(&site.reason))
}

fn row(f: &mut Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    let indent = " ".repeat(17);
    let mut lines = lines(value, WIDTH - indent.len()).into_iter();
    writeln!(f, "  {name:<15}{}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(f, "{indent}{line}"))
}

fn wrapped(f: &mut Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let mut lines = lines(text, WIDTH - indent.len()).into_iter();
    lines.try_for_each(|line| writeln!(f, "{indent}{line}"))
}

/// Breaks at spaces; a longer word stands alone and sticks out.
fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

fn name(user: &User) -> String {
    format!("{} {}", user.pid, label(user))
}

/// What it is called, and where it runs.
fn label(user: &User) -> String {
    let container = user.container.as_deref().map(|id| {
        let short: String = id.chars().take(12).collect();
        format!(" in {}", clean(&short))
    });
    format!("{}{}", clean(&user.comm), container.unwrap_or_default())
}

/// Processes with the same name stand together.
fn names(users: &[User]) -> String {
    let mut named: BTreeMap<(&str, Option<&str>), Vec<&User>> = BTreeMap::new();
    for user in users {
        named.entry((&user.comm, user.container.as_deref())).or_default().push(user);
    }
    let together = |users: Vec<&User>| match users[..] {
        [user] => name(user),
        _ => {
            let pids: Vec<String> = users.iter().map(|user| user.pid.to_string()).collect();
            format!("{} ({})", label(users[0]), pids.join(", "))
        }
    };
    named.into_values().map(together).collect::<Vec<_>>().join(", ")
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Paths and names come from any process, and go to a terminal.
fn clean(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping() {
        let check = |text: &str, expected: &[&str]| assert_eq!(lines(text, 7), expected);
        check("a bc def", &["a bc", "def"]);
        check("abcdefgh i", &["abcdefgh", "i"]);
        check("abc def", &["abc def"]);
        check("", &[""]);
    }

    #[test]
    fn nothing_reaches_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
    }
}
