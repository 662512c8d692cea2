//! The rules of the house, as `docs/architecture.md` states them: who may
//! import what, what lies where, and no room without an end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Past this many lines a file has two ideas.
const LONGEST_FILE: usize = 500;

/// Past this many it is told so.
const LONG_FILE: usize = 400;

/// A folder, and the words its sources must not contain.
struct Rule {
    room: &'static str,
    never: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        room: "parsers/src",
        never: &[
            "llmtop_probe",
            "llmtop::",
            "tokio",
            "aya",
            "ratatui",
            "crossterm",
            "libc::",
            "rustix",
        ],
        why: "parsers know no other room",
    },
    Rule {
        room: "parsers/src",
        never: &[
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "std::env",
            "Instant",
            "SystemTime",
        ],
        why: "parsers do no IO and read no clock",
    },
    Rule {
        room: "probe/src",
        never: &["llmtop_parsers", "llmtop::", "tokio", "ratatui", "crossterm"],
        why: "probe knows only its ABI and aya",
    },
    Rule { room: "tui/src", never: &["aya"], why: "only probe talks to the kernel's BPF" },
    Rule {
        room: "xtask/src",
        never: &["llmtop_probe", "llmtop::", "aya::"],
        why: "chores need no product, but the parsers for what the fuzzer begins with",
    },
    Rule {
        room: "tui/src/store",
        never: &["ratatui", "crossterm", "crate::ui", "crate::view", "crate::sink"],
        why: "the store is plain data",
    },
    Rule {
        room: "tui/src/filter",
        never: &["ratatui", "crossterm", "std::fs", "std::env", "SystemTime", "Instant"],
        why: "a filter judges what it is given, and does nothing else",
    },
    Rule {
        room: "tui/src/view",
        never: &["ratatui", "crossterm", "crate::ui", "crate::sink"],
        why: "view models are plain data",
    },
    Rule {
        room: "tui/src/sink",
        never: &["ratatui", "crossterm", "crate::ui"],
        why: "sinks write files, not screens",
    },
    Rule {
        room: "tui/src/ui",
        never: &[
            "crossterm",
            "llmtop_parsers",
            "llmtop_probe",
            "crate::store",
            "crate::sink",
            "crate::pipeline",
        ],
        why: "widgets draw view models, and know nothing else",
    },
];

/// The only sources of the binary that may name crossterm: the terminal and
/// the event loop.
const CROSSTERM: &[&str] = &["tui/src/term", "tui/src/app"];

/// The crates a room may depend on at most: an addition is a decision.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("probe-common", &[]),
    (
        "parsers",
        &[
            "base64",
            "brotli-decompressor",
            "crc32fast",
            "flate2",
            "httparse",
            "memchr",
            "ruzstd",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "unicode-width",
            "zstd",
        ],
    ),
];

/// What may lie at the top: nobody has to search for a room.
const TOP: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "assets",
    "clippy.toml",
    "docs",
    "fuzz",
    "parsers",
    "probe",
    "probe-common",
    "rustfmt.toml",
    "target",
    "tests",
    "tui",
    "xtask",
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The files under a folder (or the one file of that name) with one of these
/// extensions, without what cargo and tools leave behind.
fn files(under: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(under)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if !name.starts_with('.')
                    && !["target", "node_modules", "corpus"].contains(&name.as_str())
                {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|end| extensions.iter().any(|known| end == *known))
            {
                found.push(path);
            }
        }
    }
    // A room that is still one file.
    let file = root().join(format!("{under}.rs"));
    if file.is_file() {
        found.push(file);
    }
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The code of a source file: no comments, and nothing of its tests.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    if shown(path).contains("/tests/") || path.file_stem().is_some_and(|stem| stem == "tests") {
        return Vec::new();
    }
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

/// Whether a line names a thing: the word, not a part of another.
fn names(line: &str, word: &str) -> bool {
    let inside = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(inside) && (word.ends_with(['_', ':']) || !after.is_some_and(inside))
    })
}

#[test]
fn rooms_import_only_what_they_may() {
    let mut broken = Vec::new();
    for rule in RULES {
        for file in files(rule.room, &["rs"]) {
            for (number, line) in code(&file) {
                for word in rule.never.iter().filter(|word| names(&line, word)) {
                    broken.push(format!("{}:{number}: {word}: {}", shown(&file), rule.why));
                }
            }
        }
    }
    for file in files("tui/src", &["rs"]) {
        if CROSSTERM.iter().any(|allowed| shown(&file).starts_with(allowed)) {
            continue;
        }
        for (number, _) in code(&file).iter().filter(|(_, line)| names(line, "crossterm")) {
            broken.push(format!("{}:{number}: crossterm: only {CROSSTERM:?} may", shown(&file)));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn rooms_depend_only_on_what_they_may() {
    for (room, allowed) in DEPENDENCIES {
        let manifest = std::fs::read_to_string(root().join(room).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for name in dependencies.into_iter().flat_map(toml::Table::keys) {
            assert!(allowed.contains(&name.as_str()), "{room} must not depend on {name}");
        }
    }
}

#[test]
fn parsers_forbid_unsafe_code() {
    let text = std::fs::read_to_string(root().join("parsers/src/lib.rs")).unwrap();
    assert!(text.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn the_top_level_is_as_documented() {
    let known: BTreeSet<&str> = TOP.iter().copied().collect();
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || known.contains(name.as_str()),
            "{name} has no place at the top level"
        );
    }
}

#[test]
fn every_kind_of_finding_is_documented() {
    let told =
        regex::Regex::new(r#"(?:note\([^"()]{0,60}|Finding \{\s*kind: )"([a-z_]+)""#).unwrap();
    let documented = std::fs::read_to_string(root().join("docs/json.md")).unwrap();
    let mut kinds = BTreeSet::new();
    for path in files("parsers/src", &["rs"]) {
        let text = std::fs::read_to_string(path).unwrap();
        kinds.extend(told.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    assert!(kinds.len() > 15, "{kinds:?}");
    kinds.retain(|kind| !documented.contains(&format!("`{kind}`")));
    assert!(kinds.is_empty(), "not in docs/json.md: {kinds:?}");
}

#[test]
fn no_file_is_a_hall() {
    let mut halls = Vec::new();
    for file in files(".", &["rs", "py", "mjs"]) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > LONGEST_FILE {
            halls.push(format!("{}: {lines} lines: look for the second room in it", shown(&file)));
        } else if lines > LONG_FILE {
            eprintln!("{}: {lines} lines: long", shown(&file));
        }
    }
    assert!(halls.is_empty(), "\n{}", halls.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not name them.
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["todo", "!("].concat()];
    let mut left = Vec::new();
    for file in files(".", &["rs", "py", "mjs", "md", "toml"]) {
        let text = std::fs::read_to_string(&file).unwrap();
        for (index, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                left.push(format!("{}:{}: {line}", shown(&file), index + 1));
            }
        }
    }
    assert!(left.is_empty(), "\n{}", left.join("\n"));
}

#[test]
fn the_rules_can_be_broken() {
    assert!(names("use aya::Ebpf;", "aya"));
    assert!(names("    let x = std::time::Instant::now();", "Instant"));
    assert!(names("use llmtop_probe::Capture;", "llmtop_"));
    assert!(!names("let layaway = 1;", "aya"));
    assert!(!names("Instantly", "Instant"));
    assert!(!files("parsers/src", &["rs"]).is_empty());
    assert!(!files("tui/src/store", &["rs"]).is_empty());
}
