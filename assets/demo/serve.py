#!/usr/bin/env python3
"""The model API of the demo recording: a few fixed answers, streamed over TLS
at a readable pace. `record` starts it; prints its port, ends with its input."""

import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What each prompt (by a word in it) is answered.
ANSWERS = {
    "haiku": "Probes in the kernel,\nquiet as the falling snow:\nevery token seen.",
    "uprobe": (
        "A **uprobe** is a breakpoint that the kernel plants in a user-space "
        "function.\n\n1. The process reaches the probed instruction.\n2. The kernel runs "
        "a small, verified eBPF program.\n3. The process goes on; nothing was "
        "restarted, nothing recompiled.\n\nllmtop plants its probes in `SSL_write` and "
        "`SSL_read`: the one place where every request is still plaintext."
    ),
    "release": (
        "Here are the release notes:\n\n- Exchanges seen at both ends of one machine are "
        "shown once.\n- Recordings play anywhere, without root.\n- Lost bytes are counted "
        "and marked where they were lost.\n\nShall I open a pull request?"
    ),
    "weather": "It is 4 °C in Trondheim, with light snow ❄️ — take the warm coat.",
}


def answer(prompt):
    for word, text in ANSWERS.items():
        if word in prompt:
            return text
    return "Hello! How can I help?"


def pieces(text):
    words = text.split(" ")
    return [word if i == 0 else " " + word for i, word in enumerate(words)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.whole({"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(0.35)
        if self.path.endswith("/messages"):
            self.messages(body)
        else:
            self.chat(body)

    def whole(self, value, status=200):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def event(self, data, name=None):
        text = f"event: {name}\n" if name else ""
        text += f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end(self):
        self.wfile.write(b"0\r\n\r\n")

    def chat(self, body):
        if body["model"] == "gpt-none":
            message = "The model `gpt-none` does not exist"
            self.whole({"error": {"message": message, "type": "invalid_request_error", "code": "model_not_found"}}, 404)
            return
        text = answer(str(body["messages"][-1]["content"]))
        usage = {
            "prompt_tokens": len(json.dumps(body["messages"])) // 4,
            "completion_tokens": len(text) // 4,
            "total_tokens": (len(json.dumps(body["messages"])) + len(text)) // 4,
        }
        head = {"id": "chatcmpl-demo", "created": 1767225600, "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.whole({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
            return
        self.begin()
        head["object"] = "chat.completion.chunk"
        for piece in pieces(text):
            self.event({**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
            time.sleep(0.05)
        self.event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.event({**head, "choices": [], "usage": usage})
        self.event("[DONE]")
        self.end()

    def messages(self, body):
        last = body["messages"][-1]["content"]
        wants_tool = bool(body.get("tools")) and isinstance(last, str)
        text = "Let me look that up." if wants_tool else answer(json.dumps(body["messages"]))
        size = len(json.dumps(body["messages"])) // 4
        usage = {"input_tokens": size, "cache_read_input_tokens": 1024, "cache_creation_input_tokens": 0, "output_tokens": 1}
        message = {"id": "msg_demo", "type": "message", "role": "assistant", "model": body["model"], "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        self.begin()
        self.event({"type": "message_start", "message": message}, "message_start")
        self.event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, "content_block_start")
        for piece in pieces(text):
            self.event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}, "content_block_delta")
            time.sleep(0.06)
        self.event({"type": "content_block_stop", "index": 0}, "content_block_stop")
        if wants_tool:
            tool = {"type": "tool_use", "id": "toolu_demo", "name": "weather", "input": {}}
            self.event({"type": "content_block_start", "index": 1, "content_block": tool}, "content_block_start")
            for part in ('{"city": ', '"Trondheim"}'):
                self.event({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": part}}, "content_block_delta")
                time.sleep(0.1)
            self.event({"type": "content_block_stop", "index": 1}, "content_block_stop")
        reason = "tool_use" if wants_tool else "end_turn"
        self.event({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": len(text) // 4 + 20}}, "message_delta")
        self.event({"type": "message_stop"}, "message_stop")
        self.end()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
