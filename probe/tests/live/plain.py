"""Clients and servers over plain TCP in one process, driven by lines on stdin."""
import os, socket, struct, sys, tempfile, threading

REQUEST = b"POST /x HTTP/1.1\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n\r\n"
CONNECT = b"CONNECT a.test:443 HTTP/1.1\r\n\r\n"
listener = socket.create_server(("127.0.0.1", 0))
kept = {}

def pattern(length):
    unit = bytes((i * 7 + i // 256) % 256 for i in range(min(length, 65536)))
    return (unit * (length // max(len(unit), 1) + 1))[:length]

def connect(address=listener.getsockname()):
    client = socket.create_connection(address)
    return client, listener.accept()[0]

def pieces(data):
    """In buffers of several lengths, empty ones among them."""
    view, sizes = memoryview(data), [19, 1, 0, 300, 5000, 40000]
    while len(view):
        size = sizes[0] if len(sizes) == 1 else sizes.pop(0)
        yield view[:size]
        view = view[size:]

def send(end, data, how):
    view = memoryview(data)
    while len(view):
        if how == "write":
            view = view[os.write(end.fileno(), view):]
        elif how == "sendto":
            view = view[end.send(view):]
        elif how == "writev":
            view = view[os.writev(end.fileno(), list(pieces(view))[:1024]):]
        else:
            view = view[end.sendmsg(list(pieces(view))[:1024]):]

def receive(end, length, how):
    got = bytearray()
    while len(got) < length:
        buffers = [bytearray(7), bytearray(0), bytearray(3000), bytearray(1 << 20)]
        if how == "write":
            part = os.read(end.fileno(), 1 << 20)
        elif how == "sendto":
            assert end.recv(10, socket.MSG_PEEK)
            part = end.recv(1 << 20)
        else:
            count = os.readv(end.fileno(), buffers) if how == "writev" else end.recvmsg_into(buffers)[0]
            part = b"".join(buffers)[:count]
        assert part, "the end came early"
        got += part
    return bytes(got)

def move(sender, receiver, data, how):
    thread = threading.Thread(target=send, args=(sender, data, how))
    thread.start()
    assert receive(receiver, len(data), how) == data
    thread.join()

def call(client, server, size, how):
    move(client, server, REQUEST + pattern(size), how)
    move(server, client, ANSWER + pattern(size), how)

def run(words):
    what = words[0]
    if what == "call":        # HOW SIZE, on a connection of its own
        client, server = connect()
        call(client, server, int(words[2]), words[1])
        client.close(), server.close()
    elif what == "keep":      # NAME, a connection that says nothing yet
        kept[words[1]] = connect()
    elif what == "again":     # NAME SIZE, on that
        call(*kept[words[1]], int(words[2]), "sendto")
    elif what == "raw":       # NAME HEX..., the client says each, the server says it back
        client, server = kept[words[1]]
        for word in words[2:]:
            data = bytes.fromhex(word)
            move(client, server, data, "sendto")
            move(server, client, data, "sendto")
    elif what == "files":     # what begins like HTTP, elsewhere
        reader, writer = os.pipe()
        os.write(writer, REQUEST)
        assert os.read(reader, 100) == REQUEST
        os.close(reader), os.close(writer)
        one, other = socket.socketpair()
        move(one, other, REQUEST, "sendto")
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(REQUEST)
            file.seek(0)
            assert file.read(100) == REQUEST
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            udp.sendto(REQUEST, udp.getsockname())
            assert udp.recv(100) == REQUEST
    elif what == "sendfile":  # SIZE, that no buffer of this process holds
        client, server = connect()
        size = int(words[1])
        move(client, server, REQUEST, "sendto")
        with tempfile.TemporaryFile() as file:
            file.write(pattern(size))
            file.flush()
            server.sendall(ANSWER)
            assert receive(client, len(ANSWER), "sendto") == ANSWER
            thread = threading.Thread(target=lambda: server.sendfile(file))
            file.seek(0)
            thread.start()
            assert receive(client, size, "sendto") == pattern(size)
            thread.join()
        client.close(), server.close()
    elif what == "dup":       # the answer is written by a twin of what read the request
        client, server = connect()
        twin = os.dup(server.fileno())
        move(client, server, REQUEST, "sendto")
        os.write(twin, ANSWER)
        server.close()
        os.write(twin, b"more")
        os.close(twin)
        assert receive(client, len(ANSWER) + 4, "sendto") == ANSWER + b"more"
        assert client.recv(1) == b""
        client.close()
    elif what == "half":      # the server answers after the client's end
        client, server = connect()
        move(client, server, REQUEST, "sendto")
        client.shutdown(socket.SHUT_WR)
        assert server.recv(10) == b""
        move(server, client, ANSWER, "sendto")
        client.close(), server.close()
    elif what == "tunnel":    # to be a proxy's, and then TLS
        client, server = connect()
        move(client, server, CONNECT, "sendto")
        move(server, client, ANSWER, "sendto")
        for data in (b"\x16\x03\x01\x02\x00\x01", REQUEST, b"more"):
            move(client, server, data, "sendto")
            move(server, client, data, "writev")
        client.close(), server.close()
    elif what == "reset":     # ended by the kernel, with bytes unread
        client, server = connect()
        move(client, server, REQUEST, "sendto")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        try:
            server.recv(10)
        except ConnectionResetError:
            pass
        server.close()
    elif what == "fork":      # a child serves what its parent accepted
        client, server = connect()
        if os.fork() == 0:
            assert receive(server, len(REQUEST), "sendto") == REQUEST
            send(server, ANSWER, "sendto")
            os._exit(0)
        server.close()
        send(client, REQUEST, "sendto")
        assert receive(client, len(ANSWER), "sendto") == ANSWER
        os.wait()
        client.close()
    elif what == "many":      # COUNT, one after another: numbers are used again
        for n in range(int(words[1])):
            client, server = connect()
            call(client, server, n, "sendto")
            client.close(), server.close()
            with open("/dev/null", "wb", buffering=0) as one, open("/dev/null", "wb", buffering=0) as other:
                one.write(REQUEST), other.write(ANSWER)
    elif what == "forget":    # a call after which all is looked at anew
        client, server = connect()
        call(client, server, 10, "sendto")
        os.closerange(3500, 3600)
        client.close(), server.close()
    elif what == "high":      # a descriptor with a high number
        client, server = connect()
        high = socket.socket(fileno=os.dup2(server.fileno(), 3000))
        server.close()
        call(client, high, 10, "sendto")
        client.close(), high.close()

import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
print("ready", flush=True)
for line in sys.stdin:
    run(line.split())
    print("done", flush=True)
