"""A TLS client and server in one process, over a socket that holds little and
never blocks: writes are cut short or refused and retried, reads find nothing."""
import ctypes, socket, ssl, sys

ctx_s = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx_s.load_cert_chain(sys.argv[1])
ctx_c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx_c.check_hostname = False
ctx_c.verify_mode = ssl.CERT_NONE

# No call of Python's leads to SSL_CTX_set_mode. A context starts with what every
# object has (two words), then the SSL_CTX.
SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE = 33, 1
inner = ctypes.c_void_p.from_address(id(ctx_c) + object.__basicsize__)
libssl = ctypes.CDLL("libssl.so.3")
libssl.SSL_CTX_ctrl.argtypes = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p

def connect():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
    ends = []
    for end, ctx, side in ((client, ctx_c, False), (server, ctx_s, True)):
        end.setblocking(False)
        ends.append(ctx.wrap_socket(end, server_side=side, do_handshake_on_connect=False))
    done = set()
    while len(done) < 2:
        for end in ends:
            try:
                end.do_handshake()
                done.add(end)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
    return ends

def squeeze(length, at_once):
    """Moves so many bytes, so many a write. Says how many writes were cut short,
    how many were refused, and how many reads found nothing."""
    data = bytes((i * 7 + i // 256) % 256 for i in range(65536))
    data = memoryview((data * (length // 65536 + 1))[:length])
    client, server = connect()
    sent, got = 0, bytearray()
    partial = full = empty = 0
    while len(got) < length:
        try:
            while sent < length:
                asked = data[sent:sent + at_once]
                moved = client.send(asked)
                partial += moved < len(asked)
                sent += moved
        except ssl.SSLWantWriteError:
            full += 1
        try:
            while True:
                got += server.recv(1000)
        except ssl.SSLWantReadError:
            empty += 1
    assert got == data
    client.close()
    server.close()
    return partial, full, empty

def ask_for_nothing():
    """Moves 10 bytes; between them, a read of none while there are some to read."""
    client, server = connect()
    # What every object has, the socket, then the SSL.
    inner = ctypes.c_void_p.from_address(id(server._sslobj) + object.__basicsize__ + 8)
    libssl.SSL_read.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int
    assert client.send(bytes(range(10))) == 10
    # The first read of TLS 1.3's socket may find what follows the handshake.
    while server.pending() == 0:
        try:
            assert server.recv(4) == bytes(range(4))
        except ssl.SSLWantReadError:
            pass
    assert libssl.SSL_read(inner, ctypes.create_string_buffer(1), 0) == 0
    assert server.recv(100) == bytes(range(4, 10))
    client.close()
    server.close()

print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "partial":
        libssl.SSL_CTX_ctrl(inner, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE, None)
        print("done", flush=True)
    elif line.strip() == "nothing":
        ask_for_nothing()
        print("done", flush=True)
    else:
        print("done", *squeeze(*map(int, line.split())), flush=True)
