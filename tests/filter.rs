//! `--filter`, as a person or a script meets it.

use std::process::Output;

use serde_json::Value;

use crate::harness::{Ask, Client, Llmtop, Scratch, Server, Tool, command, run};

fn llmtop(arguments: &[&str]) -> Output {
    let mut command = command();
    command.args(arguments);
    run(command)
}

fn lines(output: &Output) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The demo's exchanges that are written with these arguments.
fn demo(arguments: &[&str]) -> Vec<Value> {
    let lines = lines(&llmtop(&[&["--demo", "--json"], arguments].concat()));
    lines.into_iter().filter(|line| line["schema"] == "llmtop.exchange/1").collect()
}

/// Whether an exchange ought to pass.
type Passes = fn(&Value) -> bool;

#[test]
fn lines_are_those_that_pass() {
    let all = demo(&[]);
    assert!(all.len() > 5);
    let cases: [(&str, Passes); 5] = [
        ("proc:node", |it| it["process"]["comm"] == "node"),
        ("!status:200", |it| it["response"]["status"] != 200),
        ("output>=36 output<=54", |it| {
            it["usage"]["output_tokens"].as_u64().is_some_and(|it| (36..=54).contains(&it))
        }),
        ("ttft>360ms", |it| it["timing"]["first_token_ms"].as_f64().is_some_and(|it| it > 360.0)),
        ("model:claude or status:4xx", |it| {
            it["request"]["model"].as_str().is_some_and(|it| it.contains("claude"))
                || it["response"]["status"] == 404
        }),
    ];
    for (filter, passes) in cases {
        let expected: Vec<&Value> =
            all.iter().filter(|it| passes(it)).map(|it| &it["id"]).collect();
        let found = demo(&["-f", filter]);
        let found: Vec<&Value> = found.iter().map(|it| &it["id"]).collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{filter} tells nothing");
        assert_eq!(found, expected, "{filter}");
    }
    // What is counted is what passes.
    assert_eq!(demo(&["-f", "proc:curl", "--count", "2"]).len(), 2);
    let output = llmtop(&["--demo", "--json", "-f", "proc:nobody"]);
    assert_eq!(lines(&output).pop().unwrap()["exchanges"], 0);
    let plain = llmtop(&["--demo", "--plain", "-f", "proc:node"]);
    let plain = String::from_utf8(plain.stdout).unwrap();
    assert!(plain.contains(" node[") && !plain.contains(" curl["), "{plain}");
    assert!(plain.contains("\n  asked: What is a uprobe?\n  A **uprobe** is"), "{plain}");
}

#[test]
fn deltas_are_those_of_exchanges_that_pass() {
    for filter in ["proc:node", "output>50", "!text:alpha"] {
        let lines = lines(&llmtop(&["--demo", "--json=deltas", "-f", filter]));
        let ids = |schema: &str| -> Vec<Value> {
            let of = lines.iter().filter(|line| line["schema"] == schema);
            let mut ids: Vec<Value> = of.map(|line| line["id"].clone()).collect();
            ids.sort_by_key(Value::to_string);
            ids.dedup();
            ids
        };
        let streamed: Vec<Value> = ids("llmtop.delta/1");
        let ended = ids("llmtop.exchange/1");
        assert!(!ended.is_empty() && streamed.iter().all(|id| ended.contains(id)), "{filter}");
        for line in lines.iter().filter(|line| line["schema"] == "llmtop.exchange/1") {
            let deltas = lines.iter().filter(|it| {
                it["schema"] == "llmtop.delta/1" && it["id"] == line["id"] && it["kind"] == "text"
            });
            let told: String = deltas.filter_map(|it| it["text"].as_str()).collect();
            if line["response"]["events"] != 0 && !told.is_empty() {
                assert_eq!(line["response"]["text"], *told, "{filter}");
            }
        }
    }
}

#[test]
fn what_is_wrong_is_shown_at_its_place() {
    for arguments in [
        &["--demo", "--json"][..],
        &["--demo", "--plain"],
        &["--demo"],
        &["export", "-r", "/nonexistent"],
    ] {
        let output = llmtop(&[arguments, &["-f", "proc:node modle:x"]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            said,
            "llmtop: filter, column 11: no key is called `modle`; did you mean `model`?\n  \
             proc:node modle:x\n            ^^^^^\n",
            "{arguments:?}"
        );
    }
}

#[test]
fn saved_filters_are_used_by_name() {
    let folder = Scratch::new();
    let file = folder.file("config.toml");
    let config = file.to_str().unwrap();
    std::fs::write(&file, "[filters]\nours = \"proc:node\"\nboth = \"@ours or proc:python\"\n")
        .unwrap();
    assert!(llmtop(&["config", "check", "--config", config]).status.success());
    let found = demo(&["--config", config, "-f", "@both output>0"]);
    let comms: Vec<_> = found.iter().map(|it| it["process"]["comm"].as_str().unwrap()).collect();
    assert!(comms.contains(&"node") && comms.contains(&"python") && !comms.contains(&"curl"));

    std::fs::write(&file, "[filters]\nours = \"proc:node tokens>many\"\n").unwrap();
    let output = llmtop(&["config", "check", "--config", config]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 2, column 8: filter `ours`, column 18 of it"), "{said}");
}

#[test]
fn a_filter_and_a_recording_go_together_live() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let ask = |marker: &str| Ask {
        dialect: "openai.chat",
        stream: true,
        calls: 2,
        marker: marker.to_owned(),
        options: "",
    };
    let mut client = Client::spawn(Tool::Python("httpx"), &server.https(), ask("two"));
    let options = ["-f", "prompt:two-1", "-w", recording.to_str().unwrap()];
    let options = options.map(std::ffi::OsStr::new);
    let llmtop = Llmtop::json(&[client.pid()], &options);
    client.go();
    assert_eq!(client.finish().len(), 2);
    let report = llmtop.finish_after(1);
    let markers: Vec<_> = report.exchanges.iter().map(|exchange| exchange.marker()).collect();
    assert_eq!(markers, [Some("two-1")]);
    // The filter says what is shown, not what is recorded.
    let exported = self::llmtop(&["export", "-r", recording.to_str().unwrap()]);
    assert_eq!(lines(&exported).len(), 2);
    let exported =
        self::llmtop(&["export", "-r", recording.to_str().unwrap(), "-f", "!prompt:two-1"]);
    assert_eq!(lines(&exported).len(), 1);
}
