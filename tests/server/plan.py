"""What the server answers to a request: derived from the request alone.

The prompt steers it by `key=value` words in its first kilobyte:

    marker=ID      names the call; the answer's text begins with it
    tokens=N       pieces of text (default: from the request's hash, 5 to 24)
    bytes=N        a text of exactly N bytes instead, in pieces of `piece` bytes
    piece=N        see `bytes` (default 16384)
    delay_ms=N     wait before each piece
    hold=1         wait after half of the pieces until GET /release/ID
    gzip=1, br=1, zstd=1, deflate=1
                   compress the answer so, if the client accepts it
    asked_in=CODING
                   the client compresses its request so, if it can
    reasoning=1    think first
    tools=N        call N tools
    status=N       answer with an API error
    hostile=1      control sequences within the text
    break=1        close the connection in the middle of the answer

Usage figures come from the hash of the request body, so that every call has
its own, and a client can only know them from the answer.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

WORDS = [" alpha", " naïve", " 日本語", " \"quoted\"", " back\\slash", "\n", " 🦀", " <b>", " tab\t", " omega"]
HOSTILE = ["\x1b[2J\x1b[1;1H", "\x1b]52;c;aG9zdGlsZQ==\x07", "\x1b]0;hostile\x07", "\x9b31m", "\x00\x7f", "\u202egnp.exe", "\r"]
DIRECTIVE = re.compile(r"\b([a-z_]+)=([\w.:-]+)")


@dataclass
class Plan:
    """One answer."""

    digest: bytes
    marker: str
    options: dict
    pieces: list
    model: str
    thoughts: list = field(default_factory=list)
    tool_calls: list = field(default_factory=list)

    @property
    def text(self):
        return "".join(self.pieces)

    @property
    def reasoning(self):
        return "".join(self.thoughts) or None

    def number(self, index, modulus):
        """A figure of this request, the same each time."""
        at = index * 4 % 28
        return int.from_bytes(self.digest[at : at + 4], "big") % modulus

    def option(self, name, default=0):
        return int(self.options.get(name, default))

    @property
    def identifier(self):
        return self.digest[:12].hex()

    @property
    def usage(self):
        """The kinds of tokens, each counted once."""
        return {
            "uncached": 50 + self.number(0, 5000),
            "cache_read": self.number(1, 900),
            "cache_write": self.number(2, 300),
            "output": 1 + self.number(3, 4000),
            "reasoning": self.number(4, 700) if self.thoughts else 0,
        }


def prompt_of(request):
    """The text of the last user message, in any dialect."""
    messages = next((request[name] for name in ("messages", "input", "contents") if name in request), [])
    if isinstance(messages, str):
        return messages
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        content = message.get("content") or message.get("parts", "")
        if isinstance(content, str):
            return content
        return "".join(part.get("text", "") for part in content)
    return ""


def make(body, request, model):
    """The plan for a request with these body bytes."""
    options = dict(DIRECTIVE.findall(prompt_of(request)[:1024]))
    digest = hashlib.sha256(body).digest()
    marker = options.get("marker", digest[:6].hex())
    plan = Plan(digest, marker, options, [], model)
    if "bytes" in options:
        plan.pieces = sized_pieces(marker, plan.option("bytes"), plan.option("piece", 16384))
    else:
        count = plan.option("tokens", 5 + plan.number(5, 20))
        first = plan.number(6, len(WORDS))
        plan.pieces = [marker] + [WORDS[(first + i) % len(WORDS)] + str(i) for i in range(count - 1)]
    if plan.option("hostile"):
        plan.pieces += HOSTILE + [" survived"]
    if plan.option("reasoning"):
        plan.thoughts = [f"thought {i} of {marker}; " for i in range(4)]
    for i in range(plan.option("tools")):
        arguments = json.dumps({"path": f"/tmp/{marker}-{i}", "text": 'é "x"\n', "n": i})
        plan.tool_calls.append({"id": f"call_{plan.identifier}_{i}", "name": f"tool_{i}", "arguments": arguments})
    return plan


def sized_pieces(marker, total, size):
    """Pieces that name their own place, so that a lost, doubled or moved one
    cannot hide."""
    pieces, written = [], 0
    while written < total:
        piece = f"{marker} {written:010d} ".ljust(min(size, total - written), "abcdefghij"[len(pieces) % 10])
        piece = piece[: min(size, total - written)]
        pieces.append(piece)
        written += len(piece)
    return pieces
