#!/usr/bin/env python3
"""One streamed call of openai.chat that says when each piece arrived.

    arrivals.py --base URL --ca FILE --prompt TEXT

For each piece of the answer prints {"at", "text"}: the nanoseconds of
CLOCK_MONOTONIC when the read that brought it returned, and the piece.
"""

import argparse
import json
import time

from load import Connection


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--base", "--ca", "--prompt"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    message = {"role": "user", "content": options.prompt}
    body = json.dumps({"model": "gpt-4.1-mini", "stream": True, "messages": [message]}).encode()
    answer = Connection(options.base, options.ca).ask(body)
    while line := answer.readline():
        at = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                if text := choice["delta"].get("content"):
                    print(json.dumps({"at": at, "text": text}), flush=True)


if __name__ == "__main__":
    main()
