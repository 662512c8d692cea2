"""What the clients that use a TLS library itself have in common: one call of the API.

    CLIENT WAY --base=URL --ca=FILE --marker=ID --after=FILE

waits until FILE is there. Prints how many bytes were sent without being said, and the
answer's text.
"""

import argparse
import json
import os
import time

from asks import arguments


class Call:
    def __init__(self, ways, pad):
        parser = argparse.ArgumentParser()
        parser.add_argument("way", choices=ways)
        for name in ("base", "ca", "marker", "after"):
            parser.add_argument("--" + name, required=True)
        o = parser.parse_args()
        o.dialect, o.stream, o.options = "openai.chat", False, "pad=" + "x" * pad
        self.way, self.authority = o.way, o.ca
        host, port = o.base.split("//")[1].split(":")
        self.address = host, int(port)
        self.body = json.dumps(arguments(o, 0)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:{port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
        self.head = head.encode()
        while not os.path.exists(o.after):
            time.sleep(0.01)

    @staticmethod
    def answered(received, unsaid=0):
        head, answer = received.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 "), head
        print(unsaid, json.loads(answer)["choices"][0]["message"]["content"].encode().hex())
