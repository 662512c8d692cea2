//! Code in an answer, lightly coloured, a line at a time.
//!
//! One small lexer for all languages: comments, strings, numbers, and words
//! that are keywords in many. It looks at each byte once, whatever the text, and
//! what it does not know it leaves alone: captured text decides nothing here but
//! its own colours.

use std::ops::Range;

use super::Role;

/// Words that mean something in the languages that models write most.
const KEYWORDS: &[&str] = &[
    "and",
    "as",
    "assert",
    "async",
    "await",
    "begin",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "def",
    "default",
    "defer",
    "del",
    "delete",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "end",
    "enum",
    "esac",
    "except",
    "export",
    "extends",
    "extern",
    "false",
    "fi",
    "finally",
    "float",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "go",
    "goto",
    "if",
    "impl",
    "implements",
    "import",
    "in",
    "include",
    "instanceof",
    "int",
    "interface",
    "is",
    "lambda",
    "let",
    "local",
    "long",
    "loop",
    "match",
    "mod",
    "module",
    "mut",
    "namespace",
    "new",
    "nil",
    "None",
    "nonlocal",
    "not",
    "null",
    "or",
    "package",
    "pass",
    "private",
    "protected",
    "pub",
    "public",
    "raise",
    "ref",
    "return",
    "select",
    "self",
    "Self",
    "short",
    "static",
    "string",
    "struct",
    "super",
    "switch",
    "then",
    "this",
    "throw",
    "throws",
    "trait",
    "true",
    "True",
    "False",
    "try",
    "type",
    "typedef",
    "typeof",
    "union",
    "unsafe",
    "unsigned",
    "use",
    "using",
    "var",
    "void",
    "volatile",
    "where",
    "while",
    "with",
    "yield",
    "SELECT",
    "FROM",
    "WHERE",
    "INSERT",
    "INTO",
    "VALUES",
    "UPDATE",
    "SET",
    "DELETE",
    "CREATE",
    "TABLE",
    "JOIN",
    "ON",
    "GROUP",
    "ORDER",
    "BY",
    "LIMIT",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "AS",
];

/// How a comment that reaches to the end of its line begins, by language.
fn comment(language: &str) -> &'static [&'static str] {
    match language {
        "python" | "py" | "sh" | "bash" | "shell" | "zsh" | "console" | "ruby" | "rb" | "yaml"
        | "yml" | "toml" | "perl" | "r" | "make" | "makefile" | "dockerfile" => &["#"],
        "sql" | "lua" | "haskell" | "hs" => &["--"],
        "json" | "text" | "txt" | "html" | "xml" | "css" | "markdown" | "md" | "diff" => &[],
        "php" => &["//", "#"],
        // Most others, and where no language is named.
        _ => &["//"],
    }
}

/// The parts of a line of code, with their roles, in order; all of it.
pub(super) fn coloured(line: &str, language: &str) -> Vec<(Range<usize>, Role)> {
    if language == "diff" {
        let role = match line.as_bytes().first() {
            Some(b'+') => Role::Good,
            Some(b'-') => Role::Error,
            Some(b'@') => Role::Keyword,
            _ => Role::Code,
        };
        return vec![(0..line.len(), role)];
    }
    let comments = comment(language);
    let mut parts: Vec<(Range<usize>, Role)> = Vec::new();
    let mut push = |range: Range<usize>, role| match parts.last_mut() {
        Some((last, same)) if *same == role && last.end == range.start => last.end = range.end,
        _ if !range.is_empty() => parts.push((range, role)),
        _ => {}
    };
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &line[at..];
        let begins = at == 0 || bytes[at - 1].is_ascii_whitespace() || byte == b'/';
        if begins && comments.iter().any(|mark| rest.starts_with(mark)) {
            push(at..line.len(), Role::Comment);
            break;
        }
        let (length, role) = match byte {
            b'"' | b'\'' | b'`' => match string(rest.as_bytes()) {
                // An empty one before another mark: three of them are none.
                Some(2) if bytes.get(at + 2) == Some(&byte) => (3, Role::Code),
                Some(length) => (length, Role::JsonString),
                None => (1, Role::Code),
            },
            b'0'..=b'9' => {
                (word(rest, |c| c.is_alphanumeric() || c == '.' || c == '_'), Role::JsonNumber)
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' => {
                let length = word(rest, |c| c.is_alphanumeric() || c == '_');
                let role =
                    if KEYWORDS.contains(&&rest[..length]) { Role::Keyword } else { Role::Code };
                (length, role)
            }
            _ => (rest.chars().next().map_or(1, char::len_utf8), Role::Code),
        };
        push(at..at + length, role);
        at += length;
    }
    parts
}

/// Bytes of the word that a text begins with.
fn word(text: &str, inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !inside(c)).unwrap_or(text.len())
}

/// Bytes of the string that a text begins with, if it ends on this line: an
/// apostrophe or a lifetime is none.
fn string(bytes: &[u8]) -> Option<usize> {
    let quote = *bytes.first()?;
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Role, coloured};

    fn parts<'t>(line: &'t str, language: &str) -> Vec<(&'t str, Role)> {
        coloured(line, language).into_iter().map(|(range, role)| (&line[range], role)).collect()
    }

    #[test]
    fn code_has_keywords_strings_numbers_and_comments() {
        assert_eq!(
            parts("let x = \"a\\\"b\"; // 1", "rust"),
            [
                ("let", Role::Keyword),
                (" x = ", Role::Code),
                ("\"a\\\"b\"", Role::JsonString),
                ("; ", Role::Code),
                ("// 1", Role::Comment),
            ]
        );
        assert_eq!(parts("it's # 12", "c")[1], ("12", Role::JsonNumber));
        assert_eq!(parts("x # why", "python")[1], ("# why", Role::Comment));
        assert_eq!(parts("-gone", "diff"), [("-gone", Role::Error)]);
    }

    proptest! {
        #[test]
        fn nothing_of_a_line_is_lost(line in "\\PC{0,60}", language in "(rust|python|sql|diff|)") {
            let whole: String = parts(&line, &language).iter().map(|(text, _)| *text).collect();
            prop_assert_eq!(whole, line);
        }
    }
}
