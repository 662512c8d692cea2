//! What a guest said, judged.

use serde_json::Value;

/// What is checked on each kernel: a column, and the call that shows it.
const CALLS: [(&str, &str, &str); 6] = [
    ("OpenSSL", "openssl", "openssl"),
    ("HTTP/2", "openssl-h2", "openssl"),
    ("NSS", "nss", "nss"),
    ("Go", "go-0", "go"),
    ("rustls", "rustls-0-1", "rustls"),
    ("plain", "plain", "none"),
];

/// The columns.
pub(super) fn columns() -> Vec<&'static str> {
    let calls = CALLS.iter().map(|&(column, ..)| column);
    ["programs load", "llmtop ends well", "nothing lost", "stdio"]
        .into_iter()
        .chain(calls)
        .collect()
}

/// For each column, what is wrong.
pub(super) fn judge(said: &str) -> Vec<Option<String>> {
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let status = |what: &str| match lines.iter().find_map(|line| line.strip_prefix(what)) {
        Some(" 0") => None,
        Some(status) => Some(format!("exit status{status}")),
        None => Some("the guest did not come so far".to_owned()),
    };
    let json: Vec<Value> =
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let lost = json.iter().find(|line| line["schema"] == "llmtop.end/1");
    let lost = match lost.map(|line| &line["lost_bytes"]) {
        Some(lost) if *lost == 0 => None,
        Some(lost) => Some(format!("{lost} bytes")),
        None => Some("no last line".to_owned()),
    };
    let call = |&(_, marker, tls): &(&str, &str, &str)| {
        status(&format!("asked {marker}")).or_else(|| exchange(&json, marker, tls))
    };
    let stdio = status("asked stdio").or_else(|| tool_call(&json));
    let others = [status("loads"), status("ended"), lost, stdio];
    others.into_iter().chain(CALLS.iter().map(call)).collect()
}

/// What is wrong with the call of a tool on standard input and output.
fn tool_call(json: &[Value]) -> Option<String> {
    let is_it = |line: &&Value| line.pointer("/connection/protocol") == Some(&"stdio".into());
    let expected = [
        ("/state", Value::from("complete")),
        ("/dialect", "mcp".into()),
        ("/request/body/params/name", "marker=stdio".into()),
        ("/response/text", "for stdio".into()),
    ];
    once(json.iter().filter(is_it).collect(), expected)
}

/// What is wrong with the exchanges found, which are to be one, as `expected`.
fn once<const N: usize>(found: Vec<&Value>, expected: [(&str, Value); N]) -> Option<String> {
    let [found] = found[..] else {
        return Some(format!("its exchange is there {} times", found.len()));
    };
    expected.into_iter().find_map(|(field, value)| {
        let shown = found.pointer(field).unwrap_or(&Value::Null);
        (*shown != value).then(|| format!("{field} is {shown}, not {value}"))
    })
}

/// What is wrong with the exchange of this marker, which is there once.
fn exchange(json: &[Value], marker: &str, tls: &str) -> Option<String> {
    let prompt = |line: &Value| {
        let prompt = line.pointer("/request/body/messages/0/content")?.as_str()?;
        prompt.strip_prefix("marker=")?.split_whitespace().next().map(str::to_owned)
    };
    let found: Vec<&Value> =
        json.iter().filter(|line| prompt(line).as_deref() == Some(marker)).collect();
    let sent = found.first().map_or(Value::Null, |found| found["request"]["body_bytes"].clone());
    let expected = [
        ("/state", Value::from("complete")),
        ("/connection/role", "client".into()),
        ("/connection/tls", tls.into()),
        ("/connection/lost_bytes", 0.into()),
        ("/dialect", "openai.chat".into()),
        ("/response/status", 200.into()),
        ("/response/text", format!("for {marker}").into()),
        ("/usage/input_tokens", sent),
        ("/usage/output_tokens", marker.len().into()),
    ];
    once(found, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_failure() {
        assert!(judge("").iter().all(Option::is_some));
        assert_eq!(judge("").len(), columns().len());
    }

    #[test]
    fn an_exchange_is_judged_by_what_it_says() {
        let line = |text: &str| {
            let exchange = serde_json::json!({
                "schema": "llmtop.exchange/1", "state": "complete", "dialect": "openai.chat",
                "connection": {"role": "client", "tls": "none", "lost_bytes": 0},
                "request": {"body": {"messages": [{"content": "marker=plain"}]}, "body_bytes": 70},
                "response": {"status": 200, "text": text},
                "usage": {"input_tokens": 70, "output_tokens": 5},
            });
            format!("asked plain 0\r\n{exchange}\r\n")
        };
        let plain = |said: &str| judge(said).pop().flatten();
        assert_eq!(plain(&line("for plain")), None);
        let wrong = plain(&line("for another")).unwrap_or_default();
        assert!(wrong.contains("/response/text"), "{wrong}");
        assert!(plain(&line("for plain").repeat(2)).is_some());
        assert!(plain(&line("for plain").replace("plain 0", "plain 7")).is_some());
    }
}
