//! The command line, as a person or a script meets it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{
    Ask, Client, Exchange, Llmtop, Scratch, Server, Tool, binary, command, eventually, program, run,
};

fn llmtop(arguments: &[&str]) -> Output {
    let mut command = command();
    command.args(arguments);
    run(command)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard error, which has to be one line that says something.
fn one_line(output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!(said.trim_end().lines().count(), 1, "not one line: {said}");
    said
}

/// The binary where everybody may run it.
pub(crate) fn public_binary(folder: &Scratch) -> PathBuf {
    let copy = folder.file("llmtop");
    std::fs::copy(binary(), &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

/// The same command as user nobody, without privileges.
pub(crate) fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"]);
    command.arg("--").arg(program).current_dir("/").env("HOME", "/nonexistent");
    command
}

fn ask(marker: &str) -> Ask {
    Ask { dialect: "openai.chat", stream: true, calls: 1, marker: marker.to_owned(), options: "" }
}

/// The file that a dynamic linker would load for this library name.
fn library(name: &str) -> String {
    let output = Command::new("/sbin/ldconfig").arg("-p").output().unwrap();
    let cache = text(&output.stdout);
    let line = cache.lines().find(|line| line.trim().starts_with(name)).unwrap();
    let path = line.split("=> ").nth(1).unwrap();
    std::fs::canonicalize(path).unwrap().display().to_string()
}

#[test]
fn doctor_lists_what_it_would_probe_and_where() {
    let output = llmtop(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let libssl = library("libssl.so");
    let node = std::fs::canonicalize(program("node")).unwrap().display().to_string();
    for (file, functions) in
        [(&libssl, ["SSL_read", "SSL_write"]), (&node, ["SSL_read", "SSL_write"])]
    {
        assert!(printed.contains(file.as_str()), "{file} is not in\n{printed}");
        let section = &printed[printed.find(file.as_str()).unwrap()..];
        for function in functions {
            assert!(section.contains(function), "{function} of {file} is not in\n{printed}");
        }
    }
}

#[test]
fn doctor_speaks_json() {
    let output = llmtop(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report.is_object());
    assert!(report.to_string().contains(&library("libssl.so")));
}

#[test]
fn without_privileges_it_says_what_is_missing_and_the_remedy() {
    let folder = Scratch::new();
    let copy = public_binary(&folder);
    for arguments in [&["--json"][..], &["--plain"], &[]] {
        let mut command = as_nobody(&copy);
        command.args(arguments);
        let output = run(command);
        assert_eq!(output.status.code(), Some(77), "{}", text(&output.stderr));
        let said = one_line(&output);
        assert!(said.contains("CAP_BPF"), "what is missing: {said}");
        assert!(said.contains("sudo") || said.contains("setcap"), "the remedy: {said}");
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    }
}

#[test]
fn errors_are_one_line_with_the_documented_status() {
    let folder = Scratch::new();
    let nothing = folder.file("nothing").display().to_string();
    let garbage = folder.file("garbage").display().to_string();
    std::fs::write(&garbage, "this is no recording, and never was one").unwrap();
    let taken = folder.file("taken").display().to_string();
    std::fs::write(&taken, "").unwrap();
    for (arguments, status) in [
        (&["--json", "-r", &nothing][..], 1),
        (&["--json", "-r", &garbage], 1),
        (&["export", "-r", &nothing], 1),
        (&["--json", "--config", &nothing], 1),
        (&["--no-such-option"], 2),
        (&["--json", "--plain"], 2),
        (&["export"], 2),
    ] {
        let output = llmtop(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
        if status == 1 {
            one_line(&output);
        }
    }
}

#[test]
fn prints_completions_and_a_manual() {
    for shell in ["bash", "zsh", "fish"] {
        let output = llmtop(&["completions", shell]);
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("--both-ends"), "{shell}");
    }
    let manual = llmtop(&["man"]);
    assert!(manual.status.success());
    assert!(text(&manual.stdout).starts_with(".ie") || text(&manual.stdout).contains(".TH llmtop"));
}

#[test]
fn configuration_is_made_once_and_checked() {
    let folder = Scratch::new();
    let file = folder.file("config.toml");
    let with = |action: &str| llmtop(&["config", action, "--config", file.to_str().unwrap()]);
    let made = with("init");
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(with("check").status.success());
    let template = std::fs::read_to_string(&file).unwrap();
    assert!(!with("init").status.success(), "it must not overwrite");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), template);
    std::fs::write(&file, "mode = \"everything\"\n").unwrap();
    let wrong = with("check");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("mode"), "{}", text(&wrong.stderr));
}

#[test]
fn output_goes_to_a_private_file_and_never_through_a_link() {
    let folder = Scratch::new();
    let server = Server::start();
    let mut client = Client::spawn(Tool::Curl, &server.https(), ask("file"));
    let file = folder.file("out.jsonl");
    let mut watching = command();
    watching.args(["--json", "--count", "1", "-p", &client.pid().to_string(), "-o"]).arg(&file);
    let mut child = watching.spawn().unwrap();
    eventually("the start line in the file", || {
        std::fs::read_to_string(&file).ok().filter(|text| text.contains("llmtop.start/1"))
    });
    client.go();
    client.finish();
    let status = eventually("its end after --count exchanges", || child.try_wait().unwrap());
    assert!(status.success());
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let victim = folder.file("victim");
    std::fs::write(&victim, "precious").unwrap();
    let link = folder.file("link");
    symlink(&victim, &link).unwrap();
    for option in ["-o", "-w"] {
        let output = llmtop(&["--json", "--duration", "1", option, link.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{option}");
        one_line(&output);
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious", "{option}");
    }
}

#[test]
fn ends_by_itself_after_its_duration() {
    let llmtop = Llmtop::json(&[std::process::id()], &["--duration".as_ref(), "0.5".as_ref()]);
    let pid = llmtop.pid();
    let report = llmtop.finished();
    assert_eq!(report.start["pid"], pid);
    assert_eq!(report.start["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report.exchanges.len(), 0);
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
