#!/usr/bin/env python3
"""Many concurrent clients, each a process with one connection that it keeps.

    load.py --base URL --ca FILE --clients N

Reads rounds from standard input, one JSON object a line:

    {"calls": 25, "marker": "a", "options": "tokens=9", "padding": 0}

In a round each client makes `calls` streamed calls of openai.chat (call J of
client I has the marker `MARKER-I-J`; `padding` bytes are added to its request,
which is one write), then prints one JSON object a call:
{"marker", "pid", "port", "text_bytes", "text_sha256", "body_sha256"}.
When all clients are through, {"round": ROUND} is printed. Ends with its input.
"""

import argparse
import hashlib
import http.client
import json
import os
import socket
import ssl
import sys
from urllib.parse import urlsplit


class Connection:
    """One kept connection; HTTP by hand, so that a request is one write."""

    def __init__(self, base, ca):
        url = urlsplit(base)
        self.host = url.netloc
        plain = socket.create_connection((url.hostname, url.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.port = plain.getsockname()[1]
        self.socket = plain
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            self.socket = context.wrap_socket(plain, server_hostname=url.hostname)

    def ask(self, body):
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer sk-test-load\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)
        answer = http.client.HTTPResponse(self.socket, method="POST")
        answer.begin()
        if answer.status != 200:
            raise SystemExit(f"status {answer.status}")
        return answer


def text_of(answer):
    """The length and hash of the streamed text."""
    digest, length = hashlib.sha256(), 0
    # One object a line; reading by line keeps a 32 MiB answer linear.
    for line in answer:
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                piece = (choice["delta"].get("content") or "").encode()
                digest.update(piece)
                length += len(piece)
    return length, digest.hexdigest()


def client(number, options, rounds, done):
    connection = None
    for line in rounds:
        order = json.loads(line)
        connection = connection or Connection(options.base, options.ca)
        for call in range(order["calls"]):
            marker = f"{order['marker']}-{number}-{call}"
            content = f"marker={marker} {order.get('options', '')} ".ljust(order.get("padding", 0), "p")
            message = {"role": "user", "content": content}
            usage = {"include_usage": True}
            body = {"model": "gpt-4.1-mini", "stream": True, "stream_options": usage, "messages": [message]}
            body = json.dumps(body).encode()
            length, digest = text_of(connection.ask(body))
            result = {
                "marker": marker,
                "pid": os.getpid(),
                "port": connection.port,
                "text_bytes": length,
                "text_sha256": digest,
                "body_sha256": hashlib.sha256(body).hexdigest(),
            }
            # One write below PIPE_BUF: the lines of the clients do not mix.
            os.write(1, json.dumps(result).encode() + b"\n")
        done.write(b".")
        done.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--clients", type=int, required=True)
    options = parser.parse_args()
    finished, report = os.pipe()
    orders = []
    for number in range(options.clients):
        receive, send = os.pipe()
        if os.fork() == 0:
            os.close(send)
            os.close(finished)
            for other in orders:
                other.close()
            client(number, options, os.fdopen(receive, "rb"), os.fdopen(report, "wb"))
            os._exit(0)
        os.close(receive)
        orders.append(os.fdopen(send, "wb"))
    os.close(report)
    for number, line in enumerate(sys.stdin.buffer):
        for order in orders:
            order.write(line)
            order.flush()
        for _ in orders:
            if not os.read(finished, 1):
                raise SystemExit("a client ended before its time")
        os.write(1, json.dumps({"round": number}).encode() + b"\n")
    for order in orders:
        order.close()
    for _ in orders:
        os.wait()


if __name__ == "__main__":
    main()
