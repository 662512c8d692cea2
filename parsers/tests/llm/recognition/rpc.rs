//! What JSON-RPC carries.

use serde_json::{Value, json};

use super::{Row, Told, by_body, check, row, told};

#[test]
fn json_rpc() {
    let here = "127.0.0.1";
    let call = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mcp = |operation| Some(("mcp", operation, None));
    let a2a = |operation| Some(("a2a", operation, None));
    let send = || call("message/send", json!({"message": {"parts": []}}));
    check(&[
        by_body(here, "/mcp", call("tools/call", json!({"name": "t"})), mcp("execute_tool")),
        by_body(here, "/mcp", call("tools/list", json!({})), mcp("tools/list")),
        by_body(here, "/any", call("resources/read", json!({"uri": "u"})), mcp("resources/read")),
        by_body(
            here,
            "/mcp",
            call("initialize", json!({"protocolVersion": "2025-11-25"})),
            mcp("initialize"),
        ),
        by_body(
            here,
            "/mcp",
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            mcp("notifications/initialized"),
        ),
        by_body(
            here,
            "/mcp",
            json!([call("notifications/progress", json!({})), call("tools/call", json!({}))]),
            mcp("notifications/progress"),
        ),
        by_body(here, "/mcp", call("tasks/get", json!({"taskId": "t"})), mcp("tasks/get")),
        by_body(here, "/", call("tasks/get", json!({"id": "t"})), a2a("GetTask")),
        by_body(here, "/", send(), a2a("invoke_agent")),
        by_body(here, "/", call("SendStreamingMessage", json!({})), a2a("invoke_agent")),
        by_body(here, "/", call("CancelTask", json!({"id": "t"})), a2a("CancelTask")),
        row(here, "/v1/message:stream", json!({"message": {"parts": []}}), a2a("invoke_agent")),
        Row {
            host: here,
            path: "/v1/message:send",
            body: json!({"text": "hi"}),
            head: a2a("invoke_agent"),
            whole: None,
        },
        // Others': a language server, a chain, a made-up version, no call.
        by_body(here, "/", call("initialize", json!({"rootUri": "file:///"})), None),
        by_body(here, "/", call("ping", json!({})), None),
        by_body(here, "/", call("eth_call", json!([])), None),
        by_body(here, "/", json!({"jsonrpc": "1.0", "method": "tools/call"}), None),
        by_body(here, "/", json!({"method": "tools/call"}), None),
        by_body(here, "/", json!({"jsonrpc": "2.0", "id": 1, "result": {}}), None),
        by_body(here, "/", json!([]), None),
        by_body(here, "/", json!([[call("tools/call", json!({}))]]), None),
    ]);
}

/// What only headers tell.
#[test]
fn headers_tell() {
    let answer = json!({"jsonrpc": "2.0", "id": 7, "result": {}});
    let custom = json!({"jsonrpc": "2.0", "id": 7, "method": "acme/do"});
    let session = [("Mcp-Session-Id", "s")];
    let stateless = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call")];
    let v1 = [("A2A-Version", "1.0")];
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Option<&'a Value>, Option<Told>);
    let cases: [Case; 9] = [
        ("POST", "/mcp", &session, Some(&answer), Some(("mcp", "message", None))),
        ("POST", "/mcp", &session, Some(&custom), Some(("mcp", "message", None))),
        ("POST", "/mcp", &stateless, None, Some(("mcp", "execute_tool", None))),
        ("GET", "/mcp", &session, None, Some(("mcp", "listen", None))),
        ("GET", "/mcp", &[], None, None),
        ("DELETE", "/mcp", &session, None, None),
        ("GET", "/v1/tasks/t1", &v1, None, Some(("a2a", "GetTask", None))),
        ("GET", "/v1/tasks/t1", &[], None, None),
        ("POST", "/", &session, Some(&Value::Null), None),
    ];
    for (method, path, headers, body, expected) in cases {
        assert_eq!(told(method, "127.0.0.1", path, headers, body), expected, "{method} {path}");
    }
}
