"""HTTP/2: the calls of a connection are answered side by side, a piece of each
in turn.
"""

import select

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset

from answer import Call


class Stream:
    """A call, until its answer is sent."""

    def __init__(self, headers):
        self.headers = dict(headers)
        self.body = bytearray()
        self.pieces = None
        self.trailers = []
        self.pending = b""


class Connection:
    def __init__(self, counted, answer_to, page):
        self.counted, self.answer_to, self.page = counted, answer_to, page
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.streams = {}

    def run(self):
        self.h2.initiate_connection()
        self.flush()
        while True:
            moving = [identifier for identifier in self.streams if self.can_send(identifier)]
            if not moving or self.has_arrived():
                data = self.counted.recv()
                if not data:
                    return
                for event in self.h2.receive_data(data):
                    self.take(event)
                self.flush()
                continue
            for identifier in moving:
                self.send(identifier, self.streams[identifier])

    def has_arrived(self):
        connection = self.counted.connection
        return connection.pending() or select.select([connection], [], [], 0)[0]

    def take(self, event):
        if isinstance(event, RequestReceived):
            self.streams[event.stream_id] = Stream(event.headers)
        elif isinstance(event, DataReceived):
            self.streams[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self.begin(event.stream_id, self.streams[event.stream_id])
        elif isinstance(event, StreamReset):
            self.streams.pop(event.stream_id, None)

    def begin(self, identifier, stream):
        path = stream.headers[":path"]
        if stream.headers[":method"] == "GET":
            answer = self.page(path)
        else:
            answer = self.answer_to(Call(path, stream.headers, bytes(stream.body)))
        headers = [(name.lower(), value) for name, value in answer.headers]
        if answer.body is not None:
            headers.append(("content-length", str(len(answer.body))))
        self.h2.send_headers(identifier, [(":status", str(answer.status)), *headers])
        stream.pieces = iter([answer.body] if answer.pieces is None else answer.pieces)
        stream.trailers = answer.trailers

    def can_send(self, identifier):
        return self.streams[identifier].pieces and self.h2.local_flow_control_window(identifier) > 0

    def send(self, identifier, stream):
        """Sends as much of a piece as the windows let through, or the end."""
        if not stream.pending:
            piece = next(stream.pieces, None)
            if piece is None:
                return self.end(identifier, stream)
            stream.pending = piece
        size = min(self.h2.local_flow_control_window(identifier), self.h2.max_outbound_frame_size)
        data, stream.pending = stream.pending[:size], stream.pending[size:]
        if data:
            self.h2.send_data(identifier, data)
        self.flush()

    def end(self, identifier, stream):
        if stream.trailers:
            self.h2.send_headers(identifier, stream.trailers, end_stream=True)
        else:
            self.h2.end_stream(identifier)
        del self.streams[identifier]
        self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.counted.send(data)


def serve(counted, answer_to, page):
    """Serves until the client leaves; `answer_to` makes of a `Call` an `Answer`, and
    `page` of a path.
    """
    Connection(counted, answer_to, page).run()
