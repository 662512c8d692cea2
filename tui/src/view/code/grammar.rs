//! Reading code by syntect's grammars: what of a line is a keyword, a string, a
//! comment. The text is an attacker's, so the length of lines, the depth and the time
//! are limited; what is beyond is plain.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::view::Role;

/// Bytes of a line that is read. A longer one is plain, and skipped.
const LONGEST: usize = 1000;

/// Scopes within one another: code has tens of them.
const DEEPEST: usize = 250;

/// What a run may take. Code as people write it takes tens of milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Languages that are read before what reading them has made is dropped: some
/// megabytes each, beside eight for the grammars themselves.
const LANGUAGES: usize = 3;

/// The grammars, and what was made of them to read some languages.
pub(super) struct Grammars {
    set: SyntaxSet,
    used: HashSet<String>,
}

impl Grammars {
    /// Unpacks them.
    pub(super) fn load() -> Self {
        Grammars { set: SyntaxSet::load_defaults_newlines(), used: HashSet::new() }
    }

    /// Gets ready for a language.
    fn begin(&mut self, language: &str) {
        if !self.used.contains(language) {
            if self.used.len() >= LANGUAGES {
                // The same ones: how far runs were read holds for them, too.
                *self = Grammars::load();
            }
            self.used.insert(language.to_owned());
        }
    }

    fn of(&self, language: &str) -> Option<&SyntaxReference> {
        let alias = ALIASES.iter().find(|(name, _)| *name == language);
        self.set.find_syntax_by_token(alias.map_or(language, |(_, token)| token))
    }
}

/// What models call languages that the grammars call otherwise, or that are read by
/// the grammar of another one.
const ALIASES: &[(&str, &str)] = &[
    ("typescript", "js"),
    ("ts", "js"),
    ("tsx", "js"),
    ("jsx", "js"),
    ("mjs", "js"),
    ("node", "js"),
    ("json5", "json"),
    ("jsonc", "json"),
    ("shell", "sh"),
    ("console", "sh"),
    ("shellscript", "sh"),
    ("golang", "go"),
    ("csharp", "cs"),
    ("kotlin", "java"),
    ("kt", "java"),
    ("python3", "py"),
    ("vue", "html"),
    ("svelte", "html"),
    ("postgresql", "sql"),
    ("mysql", "sql"),
    ("sqlite", "sql"),
    ("patch", "diff"),
];

/// Scopes and what they are shown as. The innermost one that is listed decides.
static SCOPES: LazyLock<Vec<(Scope, Role)>> = LazyLock::new(|| {
    let scopes = [
        ("comment", Role::Comment),
        ("string", Role::JsonString),
        ("constant.numeric", Role::JsonNumber),
        ("constant.character", Role::JsonLiteral),
        ("constant", Role::JsonLiteral),
        ("keyword.operator", Role::Text),
        ("keyword", Role::Keyword),
        ("storage", Role::Keyword),
        ("entity.name", Role::JsonKey),
        ("entity.other.attribute-name", Role::JsonKey),
        ("support", Role::JsonKey),
        ("variable.function", Role::JsonKey),
        ("variable.language", Role::Keyword),
        ("markup.inserted", Role::Good),
        ("markup.deleted", Role::Error),
        ("meta.diff.range", Role::Keyword),
        ("meta.interpolation", Role::Text),
        ("source", Role::Text),
    ];
    let known = scopes.iter().filter_map(|(name, role)| Some((Scope::new(name).ok()?, *role)));
    known.collect()
});

/// How far a run was read.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    language: String,
    state: Option<(ParseState, ScopeStack)>,
    /// Bytes of the whole lines read.
    read: usize,
    spent: Duration,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) progress: Box<Progress>,
    /// Lines from this byte of the run on are here.
    pub(super) from: usize,
    pub(super) lines: Vec<Line>,
}

/// The parts of a line: how far each reaches, and what it is.
#[derive(Debug)]
pub(super) struct Line {
    /// The byte of the run at which it begins.
    pub(super) begins: usize,
    pub(super) parts: Box<[(u16, Role)]>,
}

impl Progress {
    /// At the beginning of a run.
    pub(super) fn new(language: &str) -> Self {
        Progress { language: language.to_owned(), state: None, read: 0, spent: Duration::ZERO }
    }

    /// Bytes of the whole lines read.
    pub(super) fn read(&self) -> usize {
        self.read
    }

    /// Reads what comes after. `None`: there is no grammar, or it took too long.
    pub(super) fn read_on(
        mut self: Box<Self>,
        text: &str,
        grammars: &mut Grammars,
    ) -> Option<Done> {
        let begun = Instant::now();
        grammars.begin(&self.language);
        let state = match self.state.take() {
            Some(state) => state,
            None => (ParseState::new(grammars.of(&self.language)?), ScopeStack::new()),
        };
        let (mut state, mut lines, from) = (Some(state), Vec::new(), self.read);
        for line in text.split_inclusive('\n') {
            if self.spent + begun.elapsed() > PATIENCE {
                return None;
            }
            let whole = line.ends_with('\n');
            // What may grow still is read again.
            let (mut parser, mut scopes) = if whole { state.take()? } else { state.clone()? };
            if line.len() <= LONGEST {
                let parts = parts(line, &mut parser, &mut scopes, grammars)?;
                lines.push(Line { begins: self.read, parts });
            }
            if whole {
                self.read += line.len();
                state = Some((parser, scopes));
            }
        }
        self.state = state;
        self.spent += begun.elapsed();
        Some(Done { progress: self, from, lines })
    }
}

/// The parts of a line. `None`: it is nested too deeply, or the grammar is at a loss.
fn parts(
    line: &str,
    parser: &mut ParseState,
    scopes: &mut ScopeStack,
    grammars: &Grammars,
) -> Option<Box<[(u16, Role)]>> {
    let mut parts: Vec<(u16, Role)> = Vec::new();
    let mut push = |to: usize, scopes: &ScopeStack| {
        let (to, role) = (u16::try_from(to).unwrap_or(u16::MAX), role(scopes));
        match parts.last_mut() {
            Some((end, last)) if *last == role => *end = to,
            _ => parts.push((to, role)),
        }
    };
    let mut at = 0;
    for (to, change) in parser.parse_line(line, &grammars.set).ok()? {
        if to > at {
            push(to, scopes);
            at = to;
        }
        scopes.apply(&change).ok()?;
    }
    if at < line.len() {
        push(line.len(), scopes);
    }
    (scopes.len() <= DEEPEST).then(|| parts.into())
}

fn role(scopes: &ScopeStack) -> Role {
    let listed = |scope: &Scope| SCOPES.iter().find(|(known, _)| known.is_prefix_of(*scope));
    let found = scopes.as_slice().iter().rev().find_map(listed);
    found.map_or(Role::Text, |(_, role)| *role)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::{ALIASES, Grammars, LONGEST, Line, Progress, Role};

    thread_local! {
        static GRAMMARS: RefCell<Grammars> = RefCell::new(Grammars::load());
    }

    fn read(language: &str, text: &str) -> Option<Vec<Line>> {
        GRAMMARS.with_borrow_mut(|grammars| {
            let done = Box::new(Progress::new(language)).read_on(text, grammars);
            done.map(|done| done.lines)
        })
    }

    fn parts<'t>(language: &str, line: &'t str) -> Vec<(&'t str, Role)> {
        let lines = read(language, line).unwrap();
        let mut at = 0;
        let part = |&(end, role): &(u16, Role)| {
            let part = &line[at..usize::from(end)];
            at = usize::from(end);
            (part, role)
        };
        lines[0].parts.iter().map(part).collect()
    }

    #[test]
    fn languages_are_known_by_what_models_call_them() {
        let grammars = Grammars::load();
        let usual = [
            "rust",
            "rs",
            "python",
            "py",
            "javascript",
            "typescript",
            "tsx",
            "bash",
            "sh",
            "zsh",
            "json",
            "html",
            "css",
            "sql",
            "go",
            "java",
            "c",
            "cpp",
            "c++",
            "csharp",
            "ruby",
            "php",
            "yaml",
            "yml",
            "xml",
            "markdown",
            "diff",
            "makefile",
            "lua",
            "perl",
            "r",
            "scala",
            "haskell",
        ];
        for language in usual.into_iter().chain(ALIASES.iter().map(|(name, _)| *name)) {
            assert!(grammars.of(language).is_some(), "{language}");
        }
        assert!(grammars.of("no such language").is_none());
    }

    #[test]
    fn code_has_keywords_strings_numbers_and_comments() {
        for (language, line, part) in [
            ("rust", "let x = \"a\\\"b\"; // 1", ("// 1", Role::Comment)),
            ("rust", "fn f<'a>(x: &'a str) {}", ("f", Role::JsonKey)),
            ("python", "x = 'a'  # why", ("'a'", Role::JsonString)),
            ("sql", "SELECT 12 FROM t", ("SELECT", Role::Keyword)),
            ("ts", "const x = 12;", ("12", Role::JsonNumber)),
            ("diff", "-gone", ("-gone", Role::Error)),
            ("json", "{\"a\": true}", ("true", Role::JsonLiteral)),
        ] {
            let parts = parts(language, line);
            assert!(parts.contains(&part), "{language}: {parts:?}");
        }
    }

    #[test]
    fn reading_goes_on_when_the_grammars_were_loaded_again() {
        let text = "/* one\ntwo */ fn f() {}\n";
        let whole = read("rust", text).unwrap();
        let mut grammars = Grammars::load();
        let begun = Box::new(Progress::new("rust")).read_on(&text[..7], &mut grammars).unwrap();
        let rest = begun.progress.read_on(&text[7..], &mut Grammars::load()).unwrap();
        assert_eq!(rest.lines[0].parts, whole[1].parts);
        assert_eq!(rest.lines[0].parts[0].1, Role::Comment);
    }

    #[test]
    fn what_is_made_to_take_long_does_not() {
        let brackets = "[".repeat(LONGEST - 1) + "\n";
        for text in [brackets.repeat(60), "[\n".repeat(30_000), "a".repeat(60_000)] {
            for language in ["rust", "js", "markdown", "php", "html", "python"] {
                if let Some(lines) = read(language, &text) {
                    assert!(lines.iter().all(|line| !line.parts.is_empty()), "{language}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn nothing_of_any_line_is_lost(
            line in "[\\PC\t]{0,60}",
            at in 0usize..1000,
        ) {
            let language = GRAMMARS.with_borrow(|grammars| {
                let all = grammars.set.syntaxes();
                all[at % all.len()].name.clone()
            });
            if let Some(lines) = read(&language, &line) {
                for Line { parts, .. } in lines {
                    prop_assert_eq!(usize::from(parts.last().unwrap().0), line.len());
                    prop_assert!(parts.windows(2).all(|pair| pair[0].0 < pair[1].0));
                    prop_assert!(parts.iter().all(|(end, _)| line.is_char_boundary((*end).into())));
                }
            }
        }
    }
}
