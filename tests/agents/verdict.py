"""What is right of what was shown, against what the server sent."""

COLUMNS = ("client", "version", "began", "stack", "carried by", "seen", "text", "usage", "peer", "both ways", "verdict")


class Verdict:
    """`warned`: llmtop said that it may have come too late."""

    def __init__(self, client, requests, exchanges, warned):
        self.requests, self.exchanges, self.warned = requests, exchanges, warned
        self.pairs = pairs = paired(requests, exchanges)
        self.once = len(pairs) == len(requests) == len(exchanges)
        self.stacks = unique(e["connection"]["tls"] for e in exchanges)
        self.protocols = unique(e["connection"]["protocol"] for e in exchanges)
        self.text = all(says(request, exchange) for request, exchange in pairs)
        self.usage = all(counts(request, exchange) for request, exchange in pairs)
        self.peer = all(
            (e["connection"]["local"], e["connection"]["peer"], e["connection"]["role"]) == (r["peer"], r["local"], "client")
            for r, e in pairs
        )
        self.both = all(is_whole(request, exchange) for request, exchange in pairs)
        self.stack_is_right = self.stacks == [client.tls]

    @property
    def good(self):
        right = (self.once, self.text, self.usage, self.peer, self.both, self.stack_is_right)
        return bool(self.requests) and all(right)

    def cells(self):
        if not self.requests:
            return ["-", "-", "0/0", "-", "-", "-", "-", "no: it asked nothing"]
        stacks, protocols = (", ".join(names) or "-" for names in (self.stacks, self.protocols))
        others = len(self.exchanges) - len(self.pairs)
        seen = f"{len(self.pairs)}/{len(self.requests)}" + (f"+{others}" if others else "")
        facts = [yes(fact) if self.pairs else "-" for fact in (self.text, self.usage, self.peer, self.both)]
        verdict = "no, as it said" if self.warned and not self.good else yes(self.good)
        return [stacks, protocols, seen, *facts, verdict]


def paired(requests, exchanges):
    """Each request with the first exchange that it is, none of them twice."""
    left, pairs = list(exchanges), []
    for request in requests:
        found = next((exchange for exchange in left if asked(request, exchange)), None)
        if found:
            left.remove(found)
            pairs.append((request, found))
    return pairs


def asked(request, exchange):
    """Whether an exchange is this request."""
    if request["kind"] == "page":
        return exchange["request"]["url"].endswith(request["path"])
    sent, carried_by = exchange["request"], exchange["connection"]["protocol"]
    # The server counts a WebSocket's messages as they are without its compression.
    as_long = carried_by == "websocket" or sent["body_bytes"] == request["body_bytes"]
    return as_long and request["body"] in (None, sent["body"])


def says(request, exchange):
    if request["kind"] == "page":
        return exchange["response"]["body"] == request["body"]
    return exchange["response"]["text"] == request["text"]


def counts(request, exchange):
    return all(exchange["usage"][kind] == count for kind, count in (request.get("usage") or {}).items())


def is_whole(request, exchange):
    lost, status = exchange["connection"]["lost_bytes"], exchange["response"]["status"]
    # A message of a WebSocket has no status.
    expected = None if exchange["connection"]["protocol"] == "websocket" else request["status"]
    return exchange["state"] == "complete" and lost == 0 and status == expected


def unique(names):
    return sorted({name or "none" for name in names})


def yes(fact):
    return "yes" if fact else "no"
