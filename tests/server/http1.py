"""HTTP/1.1: calls, pages, and the way to WebSocket."""

import json
from http.server import BaseHTTPRequestHandler

import http2
import websocket
from answer import Answer, Broken, Call
from moved import GONE, Counted, Reader, Writer, address, without_delay


class Handler(BaseHTTPRequestHandler):
    """A connection; one that agrees on HTTP/2 is handed on."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        self.connection = self.request
        without_delay(self.connection)
        if self.server.tls:
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.counted = Counted(self.connection)
        self.rfile = Reader(self.counted)
        self.wfile = Writer(self.counted)
        self.requests = 0

    def handle(self):
        try:
            if self.server.tls and self.connection.selected_alpn_protocol() == "h2":
                http2.serve(self.counted, self.answer_to, self.page)
            else:
                super().handle()
        except (*GONE, Broken):
            pass  # The client left, or was left; the log says what was moved until then.

    def finish(self):
        self.server.log.write(kind="connection", **self.ends(), **self.moved(), requests=self.requests)
        self.connection.close()

    def ends(self):
        """The connection, as the log names it."""
        local = address(self.server.server_address)
        return {"peer": address(self.client_address), "local": local, "tls": bool(self.server.tls)}

    def moved(self):
        return {"read": self.counted.read, "wrote": self.counted.wrote}

    def answer_to(self, call):
        """The answer to a call, which is logged before it is sent."""
        self.requests += 1
        if call.dialect is not None:
            self.server.log.write(kind="request", **call.log(), **self.ends())
        return Answer.of(call, self.server.gates)

    def page(self, path):
        """What a GET is answered, which is logged too."""
        answer = Answer.of_page(path, self.server.gates)
        text = answer.body.decode()
        body = json.loads(text) if answer.headers[0][1] == "application/json" else text
        self.server.log.write(kind="page", path=path, status=answer.status, body=body, **self.ends())
        return answer

    def handle_expect_100(self):
        answer = super().handle_expect_100()
        self.wfile.flush()
        return answer

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.close_connection = True
            fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            head = f"{self.requestline}\r\n{fields}\r\n".encode()
            return websocket.serve(self.counted, head, self.call_by_message, self.server.gates)
        self.send(self.page(self.path))

    def call_by_message(self, message):
        call = Call(self.path, {}, message)
        call.asks_to_stream = True
        self.answer_to(call)
        return call

    def do_POST(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send(self.answer_to(Call(self.path, headers, self.body())))

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

    def send(self, answer):
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.body is not None:
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            return self.wfile.flush()
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for piece in answer.pieces:
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def log_message(self, *args):
        pass
