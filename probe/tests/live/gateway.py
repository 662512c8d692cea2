"""A gateway of one thread: a connection with TLS to a server of this process, and plain ones
with clients. TLS is done in memory, and what comes of it is sent by the socket of it."""
import socket, ssl, sys, threading

ctx_s = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx_s.load_cert_chain(sys.argv[1])
ctx_c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx_c.check_hostname = False
ctx_c.verify_mode = ssl.CERT_NONE

listener = socket.create_server(("127.0.0.1", 0))

def upstream():
    with ctx_s.wrap_socket(listener.accept()[0], server_side=True) as end:
        while data := end.recv(100):
            end.sendall(data.upper())

threading.Thread(target=upstream, daemon=True).start()
sock = socket.create_connection(listener.getsockname())
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = ctx_c.wrap_bio(incoming, outgoing, server_hostname="example.test")

def until(step):
    while True:
        try:
            result = step()
            sock.sendall(outgoing.read())
            return result
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(1 << 16))

until(tls.do_handshake)
downstream = socket.create_server(("127.0.0.1", 0))

print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "ports":
        print("done", sock.getsockname()[1], listener.getsockname()[1], flush=True)
        continue
    # What a client wants is asked for, and something is said to it meanwhile.
    client = socket.create_connection(downstream.getsockname())
    accepted, _ = downstream.accept()
    tls.write(line.strip().encode())
    sock.sendall(outgoing.read())
    accepted.sendall(b"wait\n")
    assert client.recv(5) == b"wait\n"
    assert until(lambda: tls.read(100)) == line.strip().upper().encode()
    accepted.close(), client.close()
    print("done", flush=True)
