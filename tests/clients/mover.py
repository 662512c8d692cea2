"""Moves messages between both ends of a connection in this process, and looks at every
byte that arrives.

    mover.py openssl|plain --certificate=FILE --key=FILE --ca=FILE --calls=N --size=BYTES

`openssl` is two TLS objects over memory; `plain` an HTTP exchange without end over TCP,
by write and read. Begins when its standard input says a line. Prints what was moved, the
calls that moved it, and how long they took.
"""
import json
import os
import socket
import ssl
import sys
import time

options = dict(argument[2:].split("=", 1) for argument in sys.argv[2:])
calls, size = int(options["calls"]), int(options["size"])
message = bytes((i * 7 + i // 256) % 256 for i in range(size))
batch = max(1, min(64, (32 << 10) // size))
whole = message * batch


def openssl():
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(options["certificate"], options["key"])
    client_context = ssl.create_default_context(cafile=options["ca"])
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(back, there, server_hostname="localhost")
    server = server_context.wrap_bio(there, back, server_side=True)
    shaken = set()
    while len(shaken) < 2:
        for end in (client, server):
            try:
                end.do_handshake()
                shaken.add(end)
            except ssl.SSLWantReadError:
                pass
    try:  # The session tickets.
        client.read(1)
        raise SystemExit("bytes that nobody sent")
    except ssl.SSLWantReadError:
        pass

    def send(sender, receiver):
        write, read = sender.write, receiver.read
        for _ in range(batch):
            assert write(message) == size
        for _ in range(batch):
            assert read(size) == message

    return client, server, send, 0


def plain():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    length = b"content-length: 1000000000000000\r\n\r\n"
    heads = (b"POST /v1/chat/completions HTTP/1.1\r\n" + length, b"HTTP/1.1 200 OK\r\n" + length)
    for sender, receiver, head in ((client, server, heads[0]), (server, client, heads[1])):
        assert os.write(sender.fileno(), head) == len(head)
        assert os.read(receiver.fileno(), 1 << 16) == head

    def send(sender, receiver):
        to, out_of = sender.fileno(), receiver.fileno()
        for _ in range(batch):
            assert os.write(to, message) == size
        got = os.read(out_of, size)
        left = len(whole) - len(got)
        assert got == message[: len(got)]
        while left:
            got = os.read(out_of, size)
            at = len(whole) - left
            assert got == whole[at : at + len(got)]
            left -= len(got)

    return client, server, send, 2 * sum(map(len, heads))


sys.stdin.readline()
client, server, send, before = {"openssl": openssl, "plain": plain}[sys.argv[1]]()
rounds = -(-calls // (4 * batch))
started = time.monotonic()
for _ in range(rounds):
    send(client, server)
    send(server, client)
seconds = time.monotonic() - started
calls = rounds * 4 * batch
print(json.dumps({"moved": calls * size + before, "calls": calls, "seconds": seconds}))
