"""A TLS client and server in one process, driven by lines on stdin: they move
bytes over memory BIOs, where nothing else can happen."""
import ctypes, ssl, sys, os, subprocess, socket, threading
ctx_s = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx_s.load_cert_chain(sys.argv[1])
ctx_c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx_c.check_hostname = False
ctx_c.verify_mode = ssl.CERT_NONE

class Pair:
    def __init__(self):
        self.a, self.b = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.c = ctx_c.wrap_bio(self.b, self.a, server_hostname="example.test")
        self.s = ctx_s.wrap_bio(self.a, self.b, server_side=True)
        done = set()
        while len(done) < 2:
            for end in (self.c, self.s):
                try:
                    end.do_handshake()
                    done.add(end)
                except ssl.SSLWantReadError:
                    pass
        # Session tickets: a read that gives nothing.
        self.starve(self.c)
    def starve(self, end):
        try:
            end.read(10)
            raise SystemExit("unexpected bytes")
        except ssl.SSLWantReadError:
            pass
    def move(self, data):
        view = memoryview(data)
        got = bytearray()
        sent = 0
        while len(got) < len(data):
            if sent < len(data):
                sent += self.c.write(view[sent:])
            while True:
                try:
                    got += self.s.read(1 << 20)
                except ssl.SSLWantReadError:
                    break
        assert bytes(got) == bytes(data)

pairs = {}
def pair(name):
    if name not in pairs:
        pairs[name] = Pair()
    return pairs[name]

def run(words):
    what = words[0]
    if what == "move":      # NAME LENGTH COUNT
        length, count = int(words[2]), int(words[3])
        data = bytes((i * 7 + i // 256) % 256 for i in range(min(length, 65536)))
        data = (data * (length // max(len(data), 1) + 1))[:length]
        p = pair(words[1])
        for _ in range(count):
            p.move(data)
    elif what == "say":     # NAME TEXT
        pair(words[1]).move(words[2].encode())
    elif what == "starve":  # NAME
        pair(words[1]).starve(pair(words[1]).s)
    elif what == "drop":    # NAME
        del pairs[words[1]]
    elif what == "tcp":     # TEXT, to a server in this process
        listener = socket.create_server(("127.0.0.1", 0))
        def serve():
            conn, _ = listener.accept()
            with ctx_s.wrap_socket(conn, server_side=True) as tls:
                tls.sendall(tls.recv(100).upper())
        thread = threading.Thread(target=serve)
        thread.start()
        with socket.create_connection(listener.getsockname()) as conn:
            with ctx_c.wrap_socket(conn) as tls:
                tls.sendall(words[1].encode())
                assert tls.recv(100) == words[1].upper().encode()
        thread.join()
        listener.close()
    elif what == "fork":    # the rest, in a child
        pid = os.fork()
        if pid == 0:
            run(words[1:])
            os._exit(0)
        os.waitpid(pid, 0)
    elif what == "exec":    # the same program anew, which runs the rest
        subprocess.run([sys.executable, __file__, sys.argv[1]], input=" ".join(words[1:]) + "\n",
                       text=True, check=True, stdout=subprocess.DEVNULL)

def serve():
    for line in sys.stdin:
        what = line.strip()
        if what == "leave":     # the main thread ends, another goes on
            threading.Thread(target=lambda: (print("done", flush=True), serve(), os._exit(0))).start()
            # Not as a call of Python's, which would want to come back.
            ctypes.CDLL(None).pthread_exit(None)
        elif what == "become":  # the same program anew, executed by another thread
            again = [sys.executable, __file__, sys.argv[1], "done"]
            thread = threading.Thread(target=os.execv, args=(sys.executable, again))
            thread.start()
            thread.join()
        else:
            run(line.split())
            print("done", flush=True)

print(sys.argv[2] if len(sys.argv) > 2 else "ready", flush=True)
serve()
