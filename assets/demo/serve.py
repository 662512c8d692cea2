#!/usr/bin/env python3
"""The model APIs of the demo recording: the answers of script.py, streamed at a
readable pace, over TLS and (as Ollama does) without. `record` starts it; prints
its two ports, ends with its input."""

import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import script

# Tokens of the agent's tools and system prompt, which a real one sends with each request.
PROMPT_TOKENS = 21_400


def tokens(value):
    return len(value if isinstance(value, str) else json.dumps(value)) // 4


def pieces(text):
    words = text.split(" ")
    return [word if i == 0 else " " + word for i, word in enumerate(words)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # What is written at once is sent at once.
    wbufsize = 1 << 16

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.whole({"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answers = {"messages": self.messages, "completions": self.completions, "embeddings": self.embeddings, "chat": self.ollama}
        answers[self.path.rsplit("/", 1)[1]](body)

    def whole(self, value, status=200, headers=()):
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, said in [("content-type", "application/json"), ("content-length", str(len(data))), *headers]:
            self.send_header(name, said)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def begin(self, kind="text/event-stream", headers=()):
        self.send_response(200)
        for name, said in [("content-type", kind), ("transfer-encoding", "chunked"), *headers]:
            self.send_header(name, said)
        self.end_headers()

    def chunk(self, text, pause=0.0):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()
        time.sleep(pause)

    def event(self, data, pause=0.0):
        name = f"event: {data['type']}\n" if "type" in data else ""
        self.chunk(f"{name}data: {json.dumps(data)}\n\n", pause)

    def end(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def embeddings(self, body):
        time.sleep(0.12)
        vectors = [{"object": "embedding", "index": i, "embedding": [0.018, -0.021, 0.007]} for i, _ in enumerate(body["input"])]
        count = tokens(body["input"])
        self.whole({"object": "list", "model": body["model"], "data": vectors, "usage": {"prompt_tokens": count, "total_tokens": count}})

    def completions(self, body):
        time.sleep(0.4)
        if body["model"] == "gpt-none":
            message = "The model `gpt-none` does not exist"
            self.whole({"error": {"message": message, "type": "invalid_request_error", "code": "model_not_found"}}, 404)
            return
        text = script.chat(str(body["messages"][-1]["content"]))
        asked, said = tokens(body["messages"]), tokens(text)
        usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        head = {"id": "chatcmpl-demo", "created": 1767225600, "model": body["model"]}
        quota = [("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "497"), ("x-ratelimit-reset-requests", "360ms")]
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            self.whole({**head, "object": "chat.completion", "choices": [choice], "usage": usage}, headers=quota)
            return
        self.begin(headers=quota)
        head["object"] = "chat.completion.chunk"
        for piece in pieces(text):
            self.event({**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}, 0.06)
        self.event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.event({**head, "choices": [], "usage": usage})
        self.chunk("data: [DONE]\n\n")
        self.end()

    def ollama(self, body):
        time.sleep(0.8)
        text = script.chat(str(body["messages"][-1]["content"]))
        self.begin("application/x-ndjson")
        head = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}
        for piece in pieces(text):
            self.chunk(json.dumps({**head, "message": {"role": "assistant", "content": piece}, "done": False}) + "\n", 0.12)
        took = {"total_duration": 4_900_000_000, "load_duration": 210_000_000, "prompt_eval_duration": 590_000_000, "eval_duration": 4_100_000_000}
        counts = {"prompt_eval_count": tokens(body["messages"]), "eval_count": tokens(text)}
        self.chunk(json.dumps({**head, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **took, **counts}) + "\n")
        self.end()

    def messages(self, body):
        """Which turn it is, the request tells: its messages are two a turn."""
        sub = self.headers["x-claude-code-agent-id"] is not None
        turns = script.SUBAGENT if sub else script.AGENT
        number = len(body["messages"]) // 2
        # Once the API has no room, and the client library asks again.
        if number == 4 and self.headers["x-stainless-retry-count"] == "0":
            error = {"type": "rate_limit_error", "message": "This request would exceed your rate limit of 40,000 output tokens per minute"}
            self.whole({"type": "error", "error": error}, 429, [("retry-after", "2"), ("request-id", "req_demo_429")])
            return
        turn = turns[number]
        cached = 3_100 if sub else PROMPT_TOKENS
        said = tokens(turn["text"]) + tokens(turn.get("thinking", "")) + (tokens(turn["tool"][1]) + 20 if "tool" in turn else 0)
        fresh = tokens(body["messages"])
        read, written = (0, cached) if number == 0 else (cached, 0)
        usage = {"input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": written, "output_tokens": 1}
        message = {"id": f"msg_demo_{number}", "type": "message", "role": "assistant", "model": body["model"], "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        left = 40_000 - 900 * number
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 40))
        quota = [("anthropic-ratelimit-output-tokens-limit", "40000"), ("anthropic-ratelimit-output-tokens-remaining", str(left)), ("anthropic-ratelimit-output-tokens-reset", reset)]
        time.sleep(0.5 if sub else 0.9 + 0.25 * (number == 0))
        self.begin(headers=quota)
        self.event({"type": "message_start", "message": message})
        blocks = [("thinking", turn["thinking"])] if "thinking" in turn else []
        blocks.append(("text", turn["text"]))
        for index, (kind, text) in enumerate(blocks):
            self.event({"type": "content_block_start", "index": index, "content_block": {"type": kind, kind: ""}})
            for piece in pieces(text):
                self.event({"type": "content_block_delta", "index": index, "delta": {"type": f"{kind}_delta", kind: piece}}, 0.05 if sub else 0.07)
            self.event({"type": "content_block_stop", "index": index})
        if "tool" in turn:
            self.tool(len(blocks), number, *turn["tool"])
        reason = "tool_use" if "tool" in turn else "end_turn"
        self.event({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": said}})
        self.event({"type": "message_stop"})
        self.end()

    def tool(self, index, number, name, arguments):
        block = {"type": "tool_use", "id": f"toolu_demo_{name}_{number}", "name": name, "input": {}}
        self.event({"type": "content_block_start", "index": index, "content_block": block})
        text = json.dumps(arguments)
        for at in range(0, len(text), 12):
            self.event({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": text[at : at + 12]}}, 0.05)
        self.event({"type": "content_block_stop", "index": index})


def serve(context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
print(serve(context), serve(), flush=True)
sys.stdin.read()
