"""Content codings, each piece of a body decodable once it has arrived."""

import zlib

import brotli
import zstandard


class Zlib:
    def __init__(self, wbits):
        self.packer = zlib.compressobj(wbits=wbits)

    def add(self, data):
        return self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)

    def end(self):
        return self.packer.flush()


class Brotli:
    def __init__(self):
        self.packer = brotli.Compressor()

    def add(self, data):
        return self.packer.process(data) + self.packer.flush()

    def end(self):
        return self.packer.finish()


class Zstandard:
    def __init__(self):
        self.packer = zstandard.ZstdCompressor().compressobj()

    def add(self, data):
        return self.packer.compress(data) + self.packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self):
        return self.packer.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


class Identity:
    def add(self, data):
        return data

    def end(self):
        return b""


CODINGS = {"gzip": lambda: Zlib(31), "deflate": lambda: Zlib(15), "br": Brotli, "zstd": Zstandard}


def undone(name, body):
    """A request's body as its client meant it."""
    if name == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return body


def choose(plan, accepted):
    """The coding that the plan asks for, if the client takes it: name, coder."""
    taken = [word.partition(";")[0].strip() for word in accepted.split(",")]
    for name, coder in CODINGS.items():
        if plan.option(name) and name in taken:
            return name, coder()
    return None, Identity()
