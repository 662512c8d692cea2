//! The command line, as a person or a script meets it.

use std::collections::HashSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{
    Ask, Client, Gated, Llmtop, Scratch, Server, Tool, binary, command, eventually, program, run,
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
    assert!(printed.starts_with("Capture is ready: "), "{printed}");
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
    assert!(report.to_string().contains(&library("libssl.so")));
    let page = include_str!("../docs/json.md");
    let (_, section) = page.split_once("## `llmtop doctor --json`").unwrap();
    // `a.b`, `.c`, or `c` alone.
    let named = section.split('`').skip(1).step_by(2);
    let documented: HashSet<&str> = named.flat_map(|path| path.split(['.', '['])).collect();
    let mut fields = HashSet::new();
    let mut values = vec![&report];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(members) => {
                fields.extend(members.keys().map(String::as_str));
                values.extend(members.values());
            }
            Value::Array(items) => values.extend(items),
            _ => {}
        }
    }
    let missing: Vec<_> = fields.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/json.md says nothing of {missing:?}");
    assert!(["sites", "reasons", "returns"].iter().all(|name| documented.contains(name)));
}

#[test]
fn without_privileges_it_says_what_is_missing_and_the_remedy() {
    let folder = Scratch::new();
    let copy = public_binary(&folder);
    let private = folder.file("private");
    std::fs::create_dir(&private).unwrap();
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700)).unwrap();
    for (arguments, home) in [
        (&["--json"][..], "/nonexistent".into()),
        (&["--plain"], "/nonexistent".into()),
        (&[], "/nonexistent".into()),
        // Who changes the user keeps the environment.
        (&[], private),
    ] {
        let mut command = as_nobody(&copy);
        command.args(arguments).env("HOME", home);
        let output = run(command);
        assert_eq!(output.status.code(), Some(77), "{}", text(&output.stderr));
        let said = one_line(&output);
        assert!(said.to_lowercase().contains("cap_sys_admin"), "what is missing: {said}");
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
        (&["--json", "-r", &taken], 1),
        (&["export", "-r", &taken], 1),
        (&["--json", "--config", &nothing], 1),
        // Above the highest that Linux gives (`PID_MAX_LIMIT`).
        (&["--json", "-p", "4194305"], 1),
        (&["--no-such-option"], 2),
        (&["--json", "--plain"], 2),
        (&["--json", "-u", "nobody-of-this-name"], 2),
        (&["--demo", "--theme", "nope"], 2),
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
fn without_a_terminal_it_names_what_needs_none() {
    let folder = Scratch::new();
    let recording = folder.file("demo.llmtop").display().to_string();
    assert!(llmtop(&["--demo", "--json", "-w", &recording]).status.success());
    let own = std::process::id().to_string();
    for arguments in [&["--demo"][..], &["-r", &recording], &["-p", &own]] {
        let output = llmtop(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        let said = "llmtop: standard output is no terminal: use --plain or --json\n";
        assert_eq!(one_line(&output), said);
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
    }
}

#[test]
fn prints_completions_and_a_manual() {
    for shell in ["bash", "zsh", "fish"] {
        let output = llmtop(&["completions", shell]);
        assert!(output.status.success());
        // fish says `-l both-ends`.
        assert!(text(&output.stdout).contains("both-ends"), "{shell}");
    }
    let manual = llmtop(&["man"]);
    assert!(manual.status.success());
    let keys = text(&manual.stdout).split_once(".SH KEYS").unwrap().1.to_owned();
    assert!(keys.contains("[search\\-next]"), "{keys}");
    let manual = text(&manual.stdout).replace("\\-", "-");
    for of_a_command in ["llmtop config check", "--explain", "--format", "har: HTTP Archive"] {
        assert!(manual.contains(of_a_command), "{of_a_command}: {manual}");
    }
    assert!(!manual.contains("llmtop-doctor(1)"), "it has no other pages");
    assert!(manual.starts_with(".ie") || manual.contains(".TH llmtop"));
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
    let said = text(&wrong.stderr);
    assert!(said.contains("line 1") && said.contains("everything"), "{said}");
    std::fs::write(&file, "theme = \"nope\"\n").unwrap();
    let wrong = with("check");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("no theme is called `nope`"), "{}", text(&wrong.stderr));
    std::fs::write(&file, "[keys]\nmouse = \"F8\"\npause = \"f\"\n").unwrap();
    let wrong = with("check");
    assert_eq!(wrong.status.code(), Some(1));
    let said = text(&wrong.stderr);
    assert!(said.contains("line 3, column 9") && said.contains("`follow`"), "{said}");
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
        assert_eq!(child.try_wait().unwrap(), None, "llmtop ended");
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
    // One that does nothing: this process's children are other tests' clients.
    let idle = Gated::spawn(Path::new("/bin/true"), [""; 0], &[]);
    let llmtop = Llmtop::json(&[idle.pid()], &["--duration".as_ref(), "0.5".as_ref()]);
    let pid = llmtop.pid();
    let report = llmtop.finished();
    assert_eq!(report.start["pid"], pid);
    assert_eq!(report.start["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report.exchanges.len(), 0);
}
