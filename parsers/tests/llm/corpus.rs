//! The dialects, driven as a connection drives them, over event streams
//! (`.sse`, `.ndjson`) and bodies (`.json`) kept as data in `tests/corpus/llm`,
//! each beside what must come out of it (`.snap`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use llmtop_parsers::llm::{self, Answer, Dialect};
use llmtop_parsers::{CostSource, DeltaKind, Exchange};
use serde_json::{Value, json};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/llm")
}

/// Every case: its dialect, its file.
fn cases() -> Vec<(&'static dyn Dialect, PathBuf)> {
    let mut cases = Vec::new();
    for dialect in llm::DIALECTS {
        let folder = corpus().join(dialect.name());
        let files = fs::read_dir(&folder).expect("every dialect has a corpus");
        let files = files.map(|file| file.unwrap().path());
        cases.extend(
            files
                .filter(|file| ["sse", "ndjson", "json"].iter().any(|end| has(file, end)))
                .map(|file| (*dialect, file)),
        );
    }
    cases.sort_by(|a, b| a.1.cmp(&b.1));
    cases
}

fn has(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|end| end == extension)
}

/// Name and data of each event of a stream; `None`: the file is a body. The
/// corpus is well-formed; the parsers of the crate have tests of their own.
fn events_of(file: &Path) -> Option<Vec<(String, String)>> {
    let text = fs::read_to_string(file).unwrap();
    if has(file, "ndjson") {
        let lines = text.lines().filter(|line| !line.is_empty());
        return Some(lines.map(|line| (String::new(), line.to_owned())).collect());
    }
    has(file, "sse").then(|| events(&text))
}

fn events(stream: &str) -> Vec<(String, String)> {
    let field = |block: &str, name: &str| {
        let lines = block.lines().filter_map(|line| line.strip_prefix(name));
        lines.map(|value| value.trim_start()).collect::<Vec<_>>().join("\n")
    };
    stream
        .split("\n\n")
        .map(|block| (field(block, "event:"), field(block, "data:")))
        .filter(|(_, data)| !data.is_empty())
        .collect()
}

fn read(dialect: &dyn Dialect, file: &Path) -> (Answer, Vec<(DeltaKind, String)>) {
    let mut answer = Answer::default();
    let mut deltas = Vec::new();
    match events_of(file) {
        Some(events) => {
            for (name, data) in events {
                dialect.event(&name, &data, &mut answer);
                deltas.append(&mut answer.deltas);
            }
        }
        None => {
            let text = fs::read_to_string(file).unwrap();
            dialect.response(&serde_json::from_str(&text).unwrap(), &mut answer);
            deltas.append(&mut answer.deltas);
        }
    }
    (answer, deltas)
}

fn filled(answer: &Answer) -> Exchange {
    let mut exchange = crate::exchange();
    answer.fill(&mut exchange);
    exchange
}

fn shown(answer: &Answer) -> Value {
    let exchange = filled(answer);
    let response = exchange.response;
    let calls = response.tool_calls.iter();
    let calls = calls.map(|c| json!({"id": c.id, "name": c.name, "arguments": c.arguments}));
    let mut shown = json!({
        "model": response.model,
        "id": response.id,
        "finish_reason": response.finish_reason,
        "text": response.text,
        "other_choices": response.other_choices,
        "reasoning": response.reasoning,
        "tool_calls": calls.collect::<Vec<_>>(),
        "usage": exchange.usage,
        "cache_write_1h_tokens": exchange.usage.cache_write_1h_tokens,
        "cost": exchange.cost,
        "error": exchange.error,
        "done": answer.done,
    });
    // Few answers tell them.
    if !response.limits.is_empty() {
        let limits = response.limits.iter().map(|limit| format!("{limit:?}"));
        shown["limits"] = limits.collect();
    }
    if let Some(ms) = response.retry_after_ms {
        shown["retry_after_ms"] = ms.into();
    }
    if !exchange.findings.is_empty() {
        shown["findings"] = json!(exchange.findings);
    }
    shown
}

/// Kinds of answers that an API does not have.
const NONE: &[(&str, &[&str], &str)] = &[
    ("cohere.embed", &["streamed", "tool"], "vectors, at once"),
    ("cohere.rerank", &["streamed", "tool"], "ranks, at once"),
    ("cohere.classify", &["streamed", "tool"], "labels, at once"),
    ("cursor.chat", &["plain"], "each of its methods streams; only errors come at once"),
    ("ollama.embed", &["streamed", "tool"], "vectors, at once"),
    ("openai.embeddings", &["streamed", "tool"], "vectors, at once"),
    ("mcp", &["tool"], "it is the tool: calls are its requests"),
    ("a2a", &["tool"], "agents answer with texts and artifacts"),
    ("anthropic.complete", &["tool"], "text only: calls are in it"),
    ("llamacpp.completion", &["tool"], "text only: calls are in it"),
    ("ollama.generate", &["tool"], "text only: calls are in it"),
    ("openai.completions", &["tool"], "text only: calls are in it"),
    ("tgi.generate", &["tool"], "text only: calls are in it"),
];

/// Each dialect has a stream, a whole answer, a call of a tool and an error, as its
/// API has them.
#[test]
fn every_kind_of_answer_is_here() {
    let mut wrong = Vec::new();
    for dialect in llm::DIALECTS {
        let (mut found, name) = (BTreeSet::new(), dialect.name());
        for (_, file) in cases().iter().filter(|(of, _)| of.name() == name) {
            let (answer, _) = read(*dialect, file);
            let Exchange { response, error, .. } = filled(&answer);
            let stem = file.file_stem().unwrap().to_str().unwrap();
            // What comes although nobody asks for it is not of the API.
            if error.is_some() || stem.starts_with("error") {
                found.insert("error");
            } else if !stem.contains("unasked") && !stem.contains("hostile") {
                found.insert(if events_of(file).is_some() { "streamed" } else { "plain" });
            }
            if !response.tool_calls.is_empty() {
                found.insert("tool");
            }
        }
        let none = NONE.iter().find(|(of, ..)| *of == name).map_or(&[][..], |(_, kinds, _)| kinds);
        let missing = ["error", "plain", "streamed", "tool"].into_iter();
        let missing: Vec<&str> = missing.filter(|kind| !found.contains(kind)).collect();
        if missing != none {
            wrong.push((name, missing));
        }
    }
    assert_eq!(wrong, [], "missing, though not told to be, or the other way round");
}

#[test]
fn corpus_reads_as_recorded() {
    for (dialect, file) in cases() {
        let (answer, _) = read(dialect, &file);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(file.parent().unwrap().canonicalize().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        settings.bind(|| insta::assert_json_snapshot!(name, shown(&answer)));
    }
}

/// What was told piece by piece is what the whole says: a screen that only
/// adds deltas shows the same text as one that opens the finished exchange.
#[test]
fn deltas_add_up_to_the_whole() {
    for (dialect, file) in cases() {
        let (answer, deltas) = read(dialect, &file);
        let told = |kind| -> String {
            deltas.iter().filter(|delta| delta.0 == kind).map(|delta| delta.1.as_str()).collect()
        };
        let response = filled(&answer).response;
        let case = file.display();
        assert_eq!(told(DeltaKind::Text), response.text.unwrap_or_default(), "{case}");
        assert_eq!(told(DeltaKind::Reasoning), response.reasoning.unwrap_or_default(), "{case}");
        let called = told(DeltaKind::ToolCall);
        let told: usize = response
            .tool_calls
            .iter()
            .map(|call| call.arguments.len() + call.name.as_ref().map_or(0, String::len))
            .sum();
        assert_eq!(called.len(), told, "{case}");
    }
}

/// A stream cut anywhere, even inside an event, is read as far as it goes.
#[test]
fn a_cut_stream_keeps_what_came() {
    for (dialect, file) in cases() {
        let Some(whole) = events_of(&file) else {
            continue;
        };
        for cut in 0..whole.len() {
            let mut answer = Answer::default();
            let mut told = String::new();
            let last = &whole[cut];
            let mut half = last.1.len() / 2;
            while !last.1.is_char_boundary(half) {
                half -= 1;
            }
            let half = (last.0.clone(), last.1[..half].to_owned());
            for (name, data) in whole[..cut].iter().chain([&half]) {
                dialect.event(name, data, &mut answer);
                let texts = answer.deltas.drain(..).filter(|delta| delta.0 == DeltaKind::Text);
                told.extend(texts.map(|delta| delta.1));
            }
            let text = filled(&answer).response.text.unwrap_or_default();
            assert_eq!(told, text, "{} cut in event {cut}", file.display());
        }
    }
}

#[test]
fn an_answer_holds_no_more_than_its_limit() {
    let dialect = llm::by_name("openai.chat").unwrap();
    let mut answer = Answer::with_limit(10);
    for piece in ["12345", "6789é", "more", "and more"] {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": piece}}]});
        dialect.event("", &chunk.to_string(), &mut answer);
    }
    let exchange = filled(&answer);
    assert_eq!(exchange.response.text.as_deref(), Some("123456789"));
    assert_eq!(exchange.findings.len(), 1);
    assert_eq!(exchange.findings[0].kind, "answer_truncated");
    assert_eq!(exchange.cost.source, CostSource::Unpriced);
}
