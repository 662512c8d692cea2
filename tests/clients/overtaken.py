"""A client that has its answer before the call that sends the question returns.

    overtaken.py PORT MARKER CALLS

One thread sends, the other receives, as many programs have it; there is little room, so
that the sending one waits. The receiving one asks for more before there is any. What was
received is told by a byte on a second connection: the head, and then the answer.
"""

import json
import socket
import sys
import threading

SIZE = 1 << 20


def receive(connection, told):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(4096)
    try:
        connection.recv(4096, socket.MSG_DONTWAIT)
        raise AssertionError("there is more")
    except BlockingIOError:
        told.send(b"1")
    left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while left:
        left -= len(connection.recv(left))


def main():
    port, marker, calls = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    connection.connect(("127.0.0.1", port))
    told = socket.create_connection(("127.0.0.1", port))
    for call in range(calls):
        prompt = f"marker={marker}-{call} " + "x" * SIZE
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        sends = threading.Thread(target=connection.sendall, args=(head.encode() + body,))
        sends.start()
        receive(connection, told)
        assert sends.is_alive()
        told.send(b"1")
        sends.join()


main()
