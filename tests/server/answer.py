"""A call and its answer, whatever carries them."""

import hashlib
import json
import threading
import time

import codings
import plan
from dialects import route
from dialects.framing import to_json

# The longest body or text that the log repeats; of longer ones, the hash.
LOGGED = 128 * 1024

# A page on which a browser makes two calls before it has loaded.
ASKS = """<!doctype html><title>asks</title><body><script>
for (const call of [0, 1]) {
  const request = new XMLHttpRequest();
  request.open("POST", "/v1/chat/completions", false);
  request.setRequestHeader("content-type", "application/json");
  const message = { role: "user", content: `marker=MARKER-${call} hi` };
  request.send(JSON.stringify({ model: "m", messages: [message], stream: true, stream_options: { include_usage: true } }));
  document.body.append(request.responseText);
}
</script>"""


class Broken(Exception):
    """The connection has to end here."""


class Call:
    """A request to the model API; `dialect` is `None` where it is none.

    `headers` has its names in lower case; `sent` is the body as it came.
    """

    def __init__(self, target, headers, body):
        self.target, self.headers, self.sent = target, headers, body
        self.body = body = codings.undone(headers.get("content-encoding"), body)
        self.path, _, self.query = target.partition("?")
        self.dialect, self.words = route(self.path)
        if self.dialect is not None:
            self.request = self.dialect.read(self)
            self.plan = plan.make(body, self.request, self.dialect.model(self))
            self.status = self.plan.option("status", 200)
            self.asks_to_stream = self.dialect.streams(self)

    def log(self):
        """What is to be known of the call and its answer."""
        dialect, answer, size = self.dialect, self.plan, len(self.sent)
        text = answer.text if self.status == 200 else None
        told = dialect.reports_usage(self.request) and self.status == 200
        return {
            "marker": answer.marker,
            "dialect": dialect.name,
            "path": self.target,
            "model": answer.model,
            "stream": self.asks_to_stream,
            "body_bytes": size,
            "body_sha256": hashlib.sha256(self.sent).hexdigest(),
            "body": self.request if size <= LOGGED else None,
            "status": self.status,
            "text": text if text is None or len(text) <= LOGGED else None,
            "text_sha256": hashlib.sha256(text.encode()).hexdigest() if text is not None else None,
            "reasoning": answer.reasoning if dialect.name != "openai.chat" else None,
            "tool_calls": [{**call, "arguments": json.loads(call["arguments"])} for call in answer.tool_calls],
            "usage": dialect.counts(answer) if told else None,
        }

    def events(self, gates):
        """The events of a stream, at the pace that is asked for.

        Raises `Broken` where the answer is to break off.
        """
        answer = self.plan
        delay = answer.option("delay_ms") / 1000
        middle = len(answer.pieces) // 2
        for index, event in enumerate(self.dialect.stream(answer, self.request)):
            if answer.option("break") and index == middle:
                raise Broken
            # Two events or more come before the first piece in most dialects.
            if answer.option("hold") and index == middle + 2:
                gates.of(answer.marker).wait()
            yield event
            if delay:
                time.sleep(delay)


class Answer:
    """`status`, `headers`, and either `body` or `pieces`, an iterator, with
    `trailers` after it.
    """

    def __init__(self, status, content_type, body=None, pieces=None, trailers=(), **headers):
        self.status, self.body, self.pieces, self.trailers = status, body, pieces, list(trailers)
        self.headers = [("Content-Type", content_type)]
        self.headers += [(name.replace("_", "-"), value) for name, value in headers.items() if value is not None]

    @classmethod
    def of(cls, call, gates):
        if call.dialect is None:
            return cls(200, "application/json", call.body)
        if call.status != 200:
            error, fields = call.dialect.error(call.plan, call.status), call.dialect.error_fields(call.status)
            return cls(call.status, "application/json", to_json(error), **fields)
        coding, coder = codings.choose(call.plan, call.headers.get("accept-encoding", ""))
        if call.headers.get("content-type") == "application/grpc":
            return cls.of_grpc(call, gates)
        if call.asks_to_stream:
            framing = call.dialect.framing(call)
            pieces = cls.coded(framing, coder, call.events(gates))
            return cls(200, framing.content_type, pieces=pieces, Content_Encoding=coding)
        time.sleep(call.plan.option("delay_ms") / 1000)
        body = to_json(call.dialect.whole(call.plan))
        return cls(200, "application/json", coder.add(body) + coder.end(), Content_Encoding=coding)

    @classmethod
    def of_page(cls, path, gates):
        """What a GET is answered."""
        what, _, name = path.removeprefix("/").partition("/")
        if what == "release":
            gates.of(name).set()
            return cls(200, "text/plain", b"released\n")
        if what == "page":
            return cls(200, "text/html", b"<html>".ljust(int(name.strip("/")), b"."))
        if what == "ask":
            return cls(200, "text/html", ASKS.replace("MARKER", name).encode())
        return cls(404, "application/json", b'{"error": "no such page"}')

    @staticmethod
    def coded(framing, coder, events):
        for event in events:
            yield coder.add(framing.frame(*event))
        yield coder.add(framing.end) + coder.end() if framing.end else coder.end()

    @classmethod
    def of_grpc(cls, call, gates):
        framing = call.dialect.framing(call)
        events = call.events(gates) if call.asks_to_stream else [(None, call.dialect.whole(call.plan))]
        pieces = (framing.frame(*event) for event in events)
        encoding = "gzip" if framing.gzipped else None
        trailers = [("grpc-status", "0"), ("grpc-message", "")]
        return cls(200, framing.content_type, pieces=pieces, trailers=trailers, grpc_encoding=encoding)


class Gates:
    """The answers held back until somebody asks for their release."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events = {}

    def of(self, marker):
        with self.lock:
            return self.events.setdefault(marker, threading.Event())
