#!/usr/bin/env python3
"""A local model API, over HTTPS and plain HTTP, for tests: every answer is
known beforehand (`plan.py`), and everything received and sent is logged.

    serve.py --certificate FILE --key FILE --log FILE

Prints one JSON line once it listens on two free ports of 127.0.0.1, and ends
when its standard input does. The log has one JSON object a line:

    {"kind": "request", ...}     before the answer is sent
    {"kind": "connection", ...}  when a connection ended: plaintext bytes moved
"""

import argparse
import hashlib
import json
import os
import socketserver
import ssl
import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler

import plan
from dialects import PATHS

# The longest body or text that the log repeats; of longer ones, the hash.
LOGGED = 128 * 1024


class Log:
    """JSON lines, one writer at a time."""

    def __init__(self, path):
        self.file = open(path, "a", buffering=1, encoding="utf-8")
        self.lock = threading.Lock()

    def write(self, **fields):
        line = json.dumps(fields) + "\n"
        with self.lock:
            self.file.write(line)


class Gates:
    """The answers held back until somebody asks for their release."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events = {}

    def of(self, marker):
        with self.lock:
            return self.events.setdefault(marker, threading.Event())


class Counted:
    """Counts the plaintext of a socket on its way through."""

    def __init__(self, connection):
        self.connection = connection
        self.read = 0
        self.wrote = 0

    def readable(self):
        return True

    def recv_into(self, buffer):
        count = self.connection.recv_into(buffer)
        self.read += count
        return count

    def send(self, data):
        self.connection.sendall(data)
        self.wrote += len(data)


class Reader:
    """What `BaseHTTPRequestHandler` needs of a buffered file, over `Counted`."""

    def __init__(self, counted):
        self.counted = counted
        self.buffer = bytearray()

    def fill(self):
        chunk = bytearray(65536)
        count = self.counted.recv_into(chunk)
        self.buffer += chunk[:count]
        return count > 0

    def take(self, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def readline(self, limit=65537):
        while b"\n" not in self.buffer and len(self.buffer) < limit and self.fill():
            pass
        end = self.buffer.find(b"\n") + 1 or len(self.buffer)
        return self.take(min(end, limit))

    def read(self, count):
        parts = [self.take(count)]
        missing = count - len(parts[0])
        while missing and self.fill():
            parts.append(self.take(missing))
            missing -= len(parts[-1])
        return b"".join(parts)

    def close(self):
        pass


class Writer:
    """Collects until flushed, so that one event is one write."""

    closed = False

    def __init__(self, counted):
        self.counted = counted
        self.pending = []

    def write(self, data):
        self.pending.append(data)

    def flush(self):
        if self.pending:
            data, self.pending = b"".join(self.pending), []
            self.counted.send(data)

    def close(self):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.connection = self.request
        self.connection.setsockopt(6, 1, True)  # TCP_NODELAY
        if self.server.tls:
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.counted = Counted(self.connection)
        self.rfile = Reader(self.counted)
        self.wfile = Writer(self.counted)
        self.requests = 0

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass  # The client left; the log says what was moved until then.

    def finish(self):
        self.server.log.write(
            kind="connection",
            peer=address(self.client_address),
            local=address(self.server.server_address),
            tls=bool(self.server.tls),
            read=self.counted.read,
            wrote=self.counted.wrote,
            requests=self.requests,
        )
        self.connection.close()

    def handle_expect_100(self):
        answer = super().handle_expect_100()
        self.wfile.flush()
        return answer

    def do_GET(self):
        if self.path.startswith("/release/"):
            self.server.gates.of(self.path.rpartition("/")[2]).set()
            return self.whole(200, b"released\n", "text/plain")
        if self.path.startswith("/page/"):
            size = int(self.path.rpartition("/")[2])
            return self.whole(200, b"<html>".ljust(size, b"."), "text/html")
        self.whole(404, b'{"error": "no such page"}', "application/json")

    def do_POST(self):
        self.requests += 1
        body = self.body()
        dialect = PATHS.get(self.path.partition("?")[0])
        if dialect is None:
            return self.whole(200, body, "application/json")
        request = json.loads(body)
        answer = plan.make(body, request)
        status = answer.option("status", 200)
        streamed = bool(request.get("stream")) and status == 200
        self.log_request_of(body, request, answer, dialect, status)
        time.sleep(answer.option("delay_ms") / 1000 if not streamed else 0)
        if status != 200:
            return self.whole(status, json.dumps(dialect.error(answer, status)).encode(), "application/json")
        if not streamed:
            text = json.dumps(dialect.whole(answer), ensure_ascii=False).encode()
            return self.whole(200, text, "application/json", self.compression(answer))
        self.stream(dialect, answer, request)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def compression(self, answer):
        accepted = self.headers.get("Accept-Encoding", "")
        return "gzip" if answer.option("gzip") and "gzip" in accepted else None

    def whole(self, status, body, content_type, compression=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if compression:
            packer = zlib.compressobj(wbits=31)
            body = packer.compress(body) + packer.flush()
            self.send_header("Content-Encoding", compression)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def stream(self, dialect, answer, request):
        compression = self.compression(answer)
        packer = zlib.compressobj(wbits=31) if compression else None
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        if compression:
            self.send_header("Content-Encoding", compression)
        self.end_headers()
        self.wfile.flush()
        delay = answer.option("delay_ms") / 1000
        held = len(answer.pieces) // 2 if answer.option("hold") else None
        broken = len(answer.pieces) // 2 if answer.option("break") else None
        for index, (name, event) in enumerate(dialect.stream(answer, request)):
            if index == broken:
                self.close_connection = True
                return self.wfile.flush()
            # Two events or more come before the first piece in any dialect.
            if held is not None and index == held + 2:
                self.server.gates.of(answer.marker).wait()
            data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=bool(index % 2))
            lines = f"event: {name}\n" if name else ""
            self.chunk(f"{lines}data: {data}\n\n".encode(), packer)
            if delay:
                time.sleep(delay)
        if packer:
            self.chunk(packer.flush(), None)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def chunk(self, data, packer):
        if packer:
            data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_request_of(self, body, request, answer, dialect, status):
        text = answer.text if status == 200 else None
        told = dialect.reports_usage(request) and status == 200
        self.server.log.write(
            kind="request",
            marker=answer.marker,
            dialect=dialect.name,
            path=self.path,
            tls=bool(self.server.tls),
            peer=address(self.client_address),
            local=address(self.server.server_address),
            body_bytes=len(body),
            body_sha256=hashlib.sha256(body).hexdigest(),
            body=request if len(body) <= LOGGED else None,
            status=status,
            text=text if text is None or len(text) <= LOGGED else None,
            text_sha256=hashlib.sha256(text.encode()).hexdigest() if text is not None else None,
            reasoning=answer.reasoning if dialect.name != "openai.chat" else None,
            tool_calls=[{**c, "arguments": json.loads(c["arguments"])} for c in answer.tool_calls],
            usage=dialect.counts(answer) if told else None,
        )

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, tls, log, gates):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        self.log = log
        self.gates = gates

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def shutdown_request(self, request):
        try:
            super().shutdown_request(request)
        except OSError:
            pass


def address(pair):
    return f"{pair[0]}:{pair[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--certificate", "--key", "--log"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate, options.key)
    log, gates = Log(options.log), Gates()
    servers = {"https": Server(tls, log, gates), "http": Server(None, log, gates)}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {name: server.server_address[1] for name, server in servers.items()}
    print(json.dumps({"pid": os.getpid(), **ports}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
