"""How an answer's events are put into bytes. Each has `content_type`,
`frame(name, event)`, the bytes of an event, and `end`, the bytes after the last.
"""

import base64
import json
import struct
import zlib


def from_json(body):
    return json.loads(body)


def to_json(value, ascii_only=False):
    return json.dumps(value, ensure_ascii=ascii_only).encode()


class ServerSentEvents:
    content_type = "text/event-stream; charset=utf-8"
    end = b""

    def __init__(self):
        self.events = 0

    def frame(self, name, event):
        # Escaped and not, in turn.
        data = event.encode() if isinstance(event, str) else to_json(event, bool(self.events % 2))
        self.events += 1
        return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


class JsonLines:
    content_type = "application/x-ndjson"
    end = b""

    def frame(self, name, event):
        return to_json(event) + b"\n"


class JsonArray:
    """One array, an element an event."""

    content_type = "application/json; charset=UTF-8"
    end = b"]"

    def __init__(self):
        self.before = b"["

    def frame(self, name, event):
        before, self.before = self.before, b",\r\n"
        return before + json.dumps(event, ensure_ascii=False, indent=2).encode()


class AwsEventStream:
    """`application/vnd.amazon.eventstream`: each message with its checksums."""

    content_type = "application/vnd.amazon.eventstream"
    end = b""

    def frame(self, name, event):
        payload = to_json(event)
        fields = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
        headers = b"".join(self.header(*field) for field in fields.items())
        prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
        message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
        return message + struct.pack(">I", zlib.crc32(message))

    @staticmethod
    def header(name, value):
        text = 7
        return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", text, len(value)) + value.encode()


class AwsChunks(AwsEventStream):
    """A model's own events, each within a `chunk`."""

    def frame(self, name, event):
        return super().frame("chunk", {"bytes": base64.b64encode(to_json(event)).decode(), "p": "abcdefg"})


class LengthPrefixed:
    """gRPC: a flag and a length before each message, each compressed alone."""

    content_type = "application/grpc"
    end = b""

    def __init__(self, gzipped):
        self.gzipped = gzipped

    def frame(self, name, message):
        if self.gzipped:
            packer = zlib.compressobj(wbits=31)
            message = packer.compress(message) + packer.flush()
        return struct.pack(">BI", self.gzipped, len(message)) + message

    @staticmethod
    def messages(body):
        while body:
            flag, size = struct.unpack(">BI", body[:5])
            message, body = body[5 : 5 + size], body[5 + size :]
            yield zlib.decompress(message, wbits=31) if flag else message
