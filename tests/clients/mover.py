"""Moves messages between both ends of a connection in this process, and looks at every
byte that arrives.

    mover.py openssl|gnutls|nss|plain --certificate=FILE --key=FILE --ca=FILE --calls=N --size=BYTES

`openssl` is two TLS objects over memory; `gnutls` two sessions over a pair of sockets, `nss`
over TCP; `plain` an HTTP exchange without end over TCP, by write and read. Begins when its
standard input says a line. Prints what was moved, the calls that moved it, and the processor
time of all that.
"""
import json
import os
import socket
import ssl
import sys
import time
from ctypes import byref, c_char_p, c_int, c_uint, c_void_p, create_string_buffer

from gnutls_calls import TRY_AGAIN, function, receive, send, well

options = dict(argument[2:].split("=", 1) for argument in sys.argv[2:])
calls, size = int(options["calls"]), int(options["size"])
message = bytes((i * 7 + i // 256) % 256 for i in range(size))
batch = max(1, min(64, (32 << 10) // size))
whole = message * batch


def over_tcp():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client, server


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


def gnutls():
    SERVER, CLIENT, PEM, CERTIFICATE = 1, 2, 1, 1
    credentials = c_void_p()
    well(function("certificate_allocate_credentials", c_void_p)(byref(credentials)))
    with_key = function("certificate_set_x509_key_file", c_void_p, c_char_p, c_char_p, c_int)
    files = [options[name].encode() for name in ("certificate", "key")]
    well(with_key(credentials, *files, PEM))
    trust = function("certificate_set_x509_trust_file", c_void_p, c_char_p, c_int)
    well(trust(credentials, options["ca"].encode(), PEM))

    def session(end, kind):
        made = c_void_p()
        well(function("init", c_void_p, c_uint)(byref(made), kind))
        well(function("set_default_priority", c_void_p)(made))
        given = function("credentials_set", c_void_p, c_int, c_void_p)
        well(given(made, CERTIFICATE, credentials))
        end.setblocking(False)
        transport = function("transport_set_int2", c_void_p, c_int, c_int, result=None)
        transport(made, end.fileno(), end.fileno())
        return made

    # The sockets are the caller's, as they are closed when nobody has them.
    pair = socket.socketpair()
    client, server = session(pair[0], CLIENT), session(pair[1], SERVER)
    verify = function("session_set_verify_cert", c_void_p, c_char_p, c_uint, result=None)
    verify(client, b"localhost", 0)
    handshake, left = function("handshake", c_void_p), [client, server]
    while left:
        left = [end for end in left if (result := handshake(end)) in TRY_AGAIN or well(result)]
    room = create_string_buffer(size)
    # The session tickets.
    assert receive(client, room, size) in TRY_AGAIN, "bytes that nobody sent"

    def move(sender, receiver):
        for _ in range(batch):
            assert send(sender[0], message, size) == size
        for _ in range(batch):
            assert receive(receiver[0], room, size) == size
            assert room.raw == message

    return (client, pair[0]), (server, pair[1]), move, 0


def nss():
    import nss_calls as calls

    calls.start()
    certificate, key = calls.certificate(options["certificate"]), calls.key(options["key"])
    anything = calls.JUDGE(lambda *_: calls.SUCCESS)
    taken = calls.function(calls.nspr, "PR_ImportTCPSocket", c_int, result=c_void_p)

    def session(end, is_server):
        made = calls.layer(calls.there(taken(end.detach())))
        calls.option(made, calls.NONBLOCKING, 1)
        if is_server:
            calls.serve(made, certificate, key)
        else:
            calls.judge(made, anything)
        calls.begin(made, is_server)
        return made

    def later():
        return calls.error() == calls.WOULD_BLOCK

    near, far = over_tcp()  # Of other sockets it asks for an address, too.
    client, server = session(near, False), session(far, True)
    handshake, left = calls.function(calls.ssl, "SSL_ForceHandshake", c_void_p), [client, server]
    while left:
        left = [end for end in left if (result := handshake(end)) and later() or calls.well(result)]
    write, read, room = calls.write, calls.read, create_string_buffer(size)
    # The session tickets.
    assert read(client, room, size) < 0 and later(), "bytes that nobody sent"

    def move(sender, receiver):
        for _ in range(batch):
            assert write(sender, message, size) == size
        for _ in range(batch):
            assert read(receiver, room, size) == size
            assert room.raw == message

    return client, server, move, 0


def plain():
    client, server = over_tcp()
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


MOVERS = {"openssl": openssl, "gnutls": gnutls, "nss": nss, "plain": plain}
sys.stdin.readline()
client, server, exchange, before = MOVERS[sys.argv[1]]()
rounds = -(-calls // (4 * batch))
started = time.process_time()
for _ in range(rounds):
    exchange(client, server)
    exchange(server, client)
seconds = time.process_time() - started
calls = rounds * 4 * batch
print(json.dumps({"moved": calls * size + before, "calls": calls, "seconds": seconds}))
