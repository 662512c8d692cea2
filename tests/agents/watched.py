"""One run: the server, a client, and llmtop; what each of them says of it."""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from clients import QUIET, TESTS, files

PATIENCE = 180


def alone():
    """Enters a network namespace with nothing but the loopback."""
    CLONE_NEWNET = 0x40000000
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "a network namespace")
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def certificates(work):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=work, check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", "-subj", "/CN=llmtop agents CA", "-days", "2", *new, "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-subj", "/CN=localhost", *new, "-keyout", "server.key", "-out", "server.csr")
    (work / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-extfile", "extensions")
    (work / "ca").mkdir()
    shutil.copy(work / "ca.pem", work / "ca/ca.pem")
    openssl("rehash", "ca")


def eventually(condition, seconds=PATIENCE):
    """What `condition` gives once it is true, or at the end."""
    until = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return value


class Run:
    """`begins` says when llmtop does: while the client is "running", connected to a
    server that does not answer yet; "before" the client; or before it and with the
    program "unseen" until then, as it is the first time.
    """

    def __init__(self, folder, work, name, client, begins):
        self.folder, self.client, self.begins = folder, client, begins
        name = name.replace(",", "").replace(" ", "-")
        # One for all runs: some put a part of their program there.
        self.home = work / name / "home"
        self.said = work / name / begins
        for each in (self.home, self.said):
            each.mkdir(parents=True, exist_ok=True)
        # Of the program when it was running, as of any that was used once.
        self.cache = work / name / ("unseen" if begins == "unseen" else "running") / "cache"
        self.work = work
        self.log, self.shown = self.said / "server.log", self.said / "llmtop.jsonl"
        self.output, self.errors = self.said / "output", self.said / "llmtop.stderr"

    def go(self, llmtop):
        """The requests that the server answered, and the exchanges shown."""
        server = self.serve()
        names = {
            "base": f"{self.client.scheme}://127.0.0.1:{self.port}", "home": self.home,
            "ca": self.work / "ca.pem", "cadir": self.work / "ca",
            "package": self.folder.of(self.client.package), "bin": self.folder.bin(self.client.package),
            "python": self.folder.python, "node": self.folder.node,
        }
        gate = self.gate(names)
        watcher = None
        try:
            held = self.hold(server, gate) if self.begins == "running" else None
            if gate.poll() is not None:
                return [], []
            watcher = self.watch(llmtop, gate.pid)
            if held:
                os.kill(held, signal.SIGCONT)
            else:
                self.open(gate)
            try:
                gate.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(gate.pid, signal.SIGTERM)
            eventually(lambda: len(self.exchanges()) >= len(self.requests()), 10)
            time.sleep(1)
        finally:
            server.send_signal(signal.SIGCONT)
            server.stdin.close()
            for process in (gate, watcher):
                if process and process.poll() is None:
                    process.terminate()
                    process.wait()
            server.wait()
        return self.requests(), self.exchanges()

    def hold(self, server, gate):
        """Starts the client and has it wait, by stopping somebody: whom?

        A server that does not take part in TLS gets no request yet. Without TLS the
        client would send it all the same, so that it is stopped itself.
        """
        if self.client.scheme == "https":
            server.send_signal(signal.SIGSTOP)
            self.open(gate)
            eventually(lambda: self.is_connected() or gate.poll() is not None)
            return server.pid
        shell = os.readlink(f"/proc/{gate.pid}/exe")
        self.open(gate)
        while gate.poll() is None and os.readlink(f"/proc/{gate.pid}/exe") == shell:
            time.sleep(0.001)
        gate.send_signal(signal.SIGSTOP)
        return gate.pid

    def serve(self):
        command = [self.folder.python, TESTS / "server/serve.py", "--certificate", self.work / "server.pem",
                   "--key", self.work / "server.key", "--log", self.log]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        self.port = json.loads(server.stdout.readline())[self.client.scheme]
        return server

    def gate(self, names):
        """A shell that becomes the client once it is told to, in a session of its own."""
        for path, text in files(self.client, names):
            file = self.home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        arguments = [argument.format(**names) for argument in self.client.arguments]
        environment = {name: value.format(**names) for name, value in self.client.environment.items()}
        if self.client.package[0] == "deb":
            libraries = self.folder.of(self.client.package) / "usr/lib/x86_64-linux-gnu"
            environment["LD_LIBRARY_PATH"] = f"{libraries}:{libraries}/pulseaudio"
        return subprocess.Popen(
            ["/bin/sh", "-c", 'read -r go && exec "$0" "$@" </dev/null', self.folder.program(self.client), *arguments],
            stdin=subprocess.PIPE, stdout=open(self.output, "w"), stderr=subprocess.STDOUT, cwd=self.home,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "dumb", **QUIET, **environment},
            start_new_session=True,
        )

    @staticmethod
    def open(gate):
        gate.stdin.write(b"go\n")
        gate.stdin.close()

    def is_connected(self):
        """Whether anybody is, in this namespace."""
        established, port = "01", f":{self.port:04X}"
        tables = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
        sockets = [line.split() for line in tables.splitlines()]
        return any(socket[2].endswith(port) and socket[3] == established for socket in sockets)

    def watch(self, llmtop, pid):
        """llmtop, once it says that it captures."""
        command = [llmtop, "--json", "-p", str(pid), *(["--all"] if self.client.pages else [])]
        watcher = subprocess.Popen(
            command, stdout=open(self.shown, "w"), stderr=open(self.errors, "w"),
            env={**os.environ, "XDG_CACHE_HOME": str(self.cache)},
        )
        started = eventually(lambda: "\n" in self.shown.read_text() or watcher.poll() is not None)
        if not started or watcher.poll() is not None:
            raise RuntimeError(f"llmtop: {self.errors.read_text()}")
        return watcher

    def warns(self):
        """Whether llmtop said that it may have come too late for this program."""
        places = (str(self.folder.of(self.client.package).resolve()), str(self.home))
        told = self.errors.read_text().splitlines() if self.errors.exists() else []
        return any("is missing" in line and any(place in line for place in places) for line in told)

    def requests(self):
        kind = "page" if self.client.pages else "request"
        return [line for line in lines(self.log) if line["kind"] == kind]

    def exchanges(self):
        shown = [line for line in lines(self.shown) if line["schema"] == "llmtop.exchange/1"]
        return [e for e in shown if self.client.pages or e["dialect"]]


def lines(file):
    """The whole lines of a file that may still grow."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
