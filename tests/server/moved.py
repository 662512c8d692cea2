"""A connection's plaintext, counted on its way through."""

import socket
import ssl

# What ends a connection from the other side.
GONE = (ConnectionError, ssl.SSLError, TimeoutError)


class Counted:
    """Counts the plaintext of a socket."""

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

    def recv(self, size=65536):
        data = self.connection.recv(size)
        self.read += len(data)
        return data

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


def address(pair):
    return f"{pair[0]}:{pair[1]}"


def without_delay(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
