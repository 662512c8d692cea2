#!/usr/bin/env python3
"""Moves bytes that are not HTTP over TCP, and what looks like HTTP over
everything else. Says `ready`, waits for a line, and ends when it is through.
"""

import os
import socket
import sys
import tempfile

REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


def talk(one, other, data):
    one.sendall(data)
    got = b""
    while len(got) < len(data):
        got += other.recv(65536)
    assert got == data


def main():
    print("ready", flush=True)
    sys.stdin.readline()
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    for _ in range(100):
        for data in (b"SELECT 1;\n", b"*1\r\n$4\r\nPING\r\n", b"GET key\r\n", b"\0" * 5000, b"HTTP is no protocol"):
            talk(client, server, data)
            talk(server, client, data)
    client.close()
    server.close()
    one, other = socket.socketpair()
    talk(one, other, REQUEST)
    reader, writer = os.pipe()
    os.write(writer, REQUEST)
    assert os.read(reader, 1000) == REQUEST
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(REQUEST)
        file.seek(0)
        assert file.read() == REQUEST
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        datagrams.sendto(REQUEST, datagrams.getsockname())
        assert datagrams.recv(1000) == REQUEST


if __name__ == "__main__":
    main()
