#!/usr/bin/env python3
"""A local model API, over HTTPS and plain HTTP, for tests: every answer is
known beforehand (`plan.py`), and everything received and sent is logged.

    serve.py --certificate FILE --key FILE --log FILE

Over TLS it speaks HTTP/1.1 or HTTP/2, as the client offers, and WebSocket.
Prints one JSON line once it listens on two free ports of 127.0.0.1, and ends
when its standard input does. The log has one JSON object a line:

    {"kind": "request", ...}     a call, before its answer is sent
    {"kind": "page", ...}        what was asked for by GET, likewise
    {"kind": "connection", ...}  when a connection ended: plaintext bytes moved
"""

import argparse
import json
import os
import socketserver
import ssl
import sys
import threading

from answer import Gates
from http1 import Handler


class Log:
    """JSON lines, one writer at a time."""

    def __init__(self, path):
        self.file = open(path, "a", buffering=1, encoding="utf-8")
        self.lock = threading.Lock()

    def write(self, **fields):
        line = json.dumps(fields) + "\n"
        with self.lock:
            self.file.write(line)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--certificate", "--key", "--log"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate, options.key)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    log, gates = Log(options.log), Gates()
    servers = {"https": Server(tls, log, gates), "http": Server(None, log, gates)}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {name: server.server_address[1] for name, server in servers.items()}
    print(json.dumps({"pid": os.getpid(), **ports}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
