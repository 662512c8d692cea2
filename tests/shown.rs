//! Which exchanges are shown, and as whose.

use serde_json::Value;

use crate::harness::{
    Ask, Certificates, Client, Exchange, Gated, Llmtop, Scratch, Server, Tool, program,
};

fn ask(marker: &str) -> Ask {
    Ask { dialect: "openai.chat", stream: true, calls: 1, marker: marker.to_owned(), options: "" }
}

/// What `llmtop --json` with these options prints while clients run.
fn seen(options: &[&str], clients: Vec<Client>, expected: usize) -> Vec<Exchange> {
    let options: Vec<_> = options.iter().map(std::ffi::OsStr::new).collect();
    let llmtop = Llmtop::json(&[], &options);
    for mut client in clients {
        client.go();
        client.finish();
    }
    llmtop.finish_after(expected).exchanges
}

#[test]
fn filters_by_name() {
    // A name of its own, since others on this machine run clients too.
    let folder = Scratch::new();
    let name = format!("curl-{}", std::process::id());
    let mine = folder.file(&name);
    std::fs::copy(program("curl"), &mine).unwrap();
    let server = Server::start();
    let clients = vec![
        Client::spawn_as(Tool::Curl, &mine, &server.https(), ask("mine")),
        Client::spawn(Tool::Curl, &server.https(), ask("other")),
    ];
    let shown = seen(&["-c", &name], clients, 1);
    let markers: Vec<_> = shown.iter().map(Exchange::marker).collect();
    assert_eq!(markers, [Some("mine-0")]);
    assert_eq!(*shown[0].at("/process/comm"), *name);
}

#[test]
fn filters_by_user() {
    let server = Server::start();
    let other = Client::spawn(Tool::Curl, &server.https(), ask("other"));
    let mine = Client::spawn_nobody(Tool::Curl, &server.https(), ask("mine"));
    let shown = seen(&["-u", "nobody"], vec![other, mine], 1);
    let markers: Vec<_> =
        shown.iter().filter_map(Exchange::marker).filter(|marker| marker.ends_with("-0")).collect();
    assert!(markers.contains(&"mine-0") && !markers.contains(&"other-0"), "{markers:?}");
}

/// curl with arguments of its own, waiting to go.
fn curl(arguments: &[&str]) -> Gated {
    let authority = Certificates::of_this_run().authority();
    let always = ["-sS", "--no-buffer", "--cacert", authority.to_str().unwrap()];
    Gated::spawn(&program("curl"), always.iter().chain(arguments), &[])
}

/// What llmtop prints with these options about one curl.
fn seen_of_curl(options: &[&str], arguments: &[&str], expected: usize) -> Vec<Exchange> {
    let mut client = curl(arguments);
    let options: Vec<_> = options.iter().map(std::ffi::OsStr::new).collect();
    let llmtop = Llmtop::json(&[client.pid()], &options);
    client.go();
    client.output();
    let report = llmtop.finish_after(expected);
    assert_eq!(report.lost_bytes(), 0);
    report.exchanges
}

#[test]
fn shows_llm_exchanges_and_other_json_and_the_rest_on_demand() {
    let server = Server::start();
    let page = format!("{}/page/100000", server.https());
    let json = format!("{}/other", server.https());
    let post = ["-d", r#"{"a": [1, "é"]}"#, "-H", "content-type: application/json", &json];
    for (options, pages, posts) in [(&[][..], 0, 1), (&["--llm-only"], 0, 0), (&["--all"], 1, 1)] {
        let exchanges = seen_of_curl(options, &[&page], pages);
        assert_eq!(exchanges.len(), pages, "{options:?}");
        for exchange in exchanges {
            assert!(exchange.at("/dialect").is_null());
            assert_eq!(*exchange.at("/request/method"), "GET");
            assert_eq!(*exchange.at("/response/status"), 200);
            assert_eq!(*exchange.at("/response/body_bytes"), 100_000);
        }
        let exchanges = seen_of_curl(options, &post, posts);
        assert_eq!(exchanges.len(), posts, "{options:?}");
        for exchange in exchanges {
            assert!(exchange.at("/dialect").is_null());
            let body = serde_json::json!({"a": [1, "é"]});
            assert_eq!(*exchange.at("/request/body"), body);
            assert_eq!(*exchange.at("/response/body"), body);
        }
    }
}

#[test]
fn an_answer_that_breaks_off_is_aborted_and_shown_as_far_as_it_came() {
    let server = Server::start();
    let url = format!("{}/v1/messages", server.https());
    let body = r#"{"model": "claude-sonnet-4-5", "max_tokens": 9, "stream": true,
        "messages": [{"role": "user", "content": "marker=broken tokens=30 break=1"}]}"#;
    let exchanges = seen_of_curl(&[], &["-d", body, &url], 1);
    assert_eq!(exchanges.len(), 1);
    assert_eq!(*exchanges[0].at("/state"), "aborted");
    let whole = server.request("broken").text.unwrap();
    let shown = exchanges[0].at("/response/text").as_str().unwrap();
    assert!(shown.len() > "broken".len() && shown.len() < whole.len(), "{shown}");
    assert!(whole.starts_with(shown), "{shown}");
}

#[test]
fn usage_that_is_not_reported_is_estimated_and_says_so() {
    let server = Server::start();
    let url = format!("{}/v1/chat/completions", server.https());
    let body = r#"{"model": "gpt-4.1-mini", "stream": true,
        "messages": [{"role": "user", "content": "marker=guess tokens=30"}]}"#;
    let exchanges = seen_of_curl(&[], &["-d", body, &url], 1);
    assert_eq!(exchanges.len(), 1);
    assert_eq!(server.request("guess").usage, None);
    assert_eq!(*exchanges[0].at("/usage/source"), "estimated");
    assert!(exchanges[0].at("/usage/output_tokens").as_u64().unwrap() > 0);
}

#[test]
fn both_ends_shows_both() {
    let server = Server::start();
    let mut client = Client::spawn(Tool::Curl, &server.https(), ask("ends"));
    let llmtop = Llmtop::json(&[client.pid(), server.pid()], &["--both-ends".as_ref()]);
    let pid = client.pid();
    client.go();
    client.finish();
    let report = llmtop.finish_after(2);
    let mut ends: Vec<_> = report
        .exchanges
        .iter()
        .map(|exchange| {
            (exchange.at("/connection/role").as_str().unwrap(), exchange.at("/process/pid"))
        })
        .collect();
    ends.sort_by_key(|(role, _)| *role);
    assert_eq!(ends, [("client", &pid.into()), ("server", &server.pid().into())]);
    let local = |role: usize, field: &str| {
        let exchange = report
            .exchanges
            .iter()
            .find(|one| *one.at("/connection/role") == ["client", "server"][role]);
        exchange.unwrap().at(field).clone()
    };
    assert_eq!(local(0, "/connection/local"), local(1, "/connection/peer"));
    assert_eq!(local(0, "/connection/peer"), local(1, "/connection/local"));
}

#[test]
fn the_server_alone_is_enough() {
    let server = Server::start();
    let mut client = Client::spawn(Tool::Curl, &server.https(), ask("server"));
    let llmtop = Llmtop::json(&[server.pid()], &[]);
    client.go();
    let call = client.finish().remove(0);
    let report = llmtop.finish_after(1);
    assert_eq!(report.exchanges.len(), 1);
    let exchange = &report.exchanges[0];
    assert_eq!(*exchange.at("/connection/role"), "server");
    assert_eq!(*exchange.at("/response/text"), *call.text);
}

#[test]
fn every_field_is_documented_and_every_documented_field_is_there() {
    let server = Server::start();
    let mut client = Client::spawn(Tool::Curl, &server.https(), ask("fields"));
    let llmtop = Llmtop::json(&[client.pid(), server.pid()], &[]);
    client.go();
    client.finish();
    let exchange = llmtop.finish_after(1).exchanges.remove(0);
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let example = readme.split("```json\n").nth(1).expect("the example of an exchange");
    let example: Value = serde_json::from_str(example.split("```").next().unwrap()).unwrap();
    let mut differences = Vec::new();
    compare_keys("", &example, &exchange.0, &mut differences);
    assert!(differences.is_empty(), "README and output differ: {differences:?}");
}

/// The keys of two objects, all the way down; what a request or an answer says
/// is its own.
fn compare_keys(path: &str, documented: &Value, found: &Value, differences: &mut Vec<String>) {
    let (Some(documented), Some(found)) = (documented.as_object(), found.as_object()) else {
        return;
    };
    if path.ends_with("/body") || path.ends_with("/arguments") {
        return;
    }
    for key in documented.keys().chain(found.keys()) {
        let path = format!("{path}/{key}");
        match (documented.get(key), found.get(key)) {
            (Some(documented), Some(found)) => compare_keys(&path, documented, found, differences),
            (None, _) => differences.push(format!("{path} is not documented")),
            (_, None) => differences.push(format!("{path} is not there")),
        }
    }
}
