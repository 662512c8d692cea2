#!/usr/bin/env python3
"""Asks a model API and prints what came back, one JSON object a call:
{"marker", "status", "text", "usage"}, usage as the API sent it.

    chat.py CLIENT --base URL --dialect NAME [--stream] [--calls N] [--told]
            --marker ID [--options 'tokens=7 gzip=1']

CLIENT is one of the table below; `-async` and `-h2` say how it is used. Calls
share one session. With --told, each waits for a line of standard input.
"""

import argparse
import asyncio
import sys

import asks
import others
import plain
import sdks
import sockets
import vendors

CLIENTS = {
    "requests": plain.with_requests,
    "httpx": plain.with_httpx,
    "httpx-h2": plain.with_httpx,
    "httpx-async": plain.with_httpx_async,
    "httpx-async-h2": plain.with_httpx_async,
    "aiohttp": plain.with_aiohttp,
    "openai": sdks.with_sdk,
    "openai-async": sdks.with_sdk_async,
    "anthropic": sdks.with_sdk,
    "anthropic-async": sdks.with_sdk_async,
    "websockets": sockets.with_websockets,
    "websockets-plain": sockets.without_deflate,
    "websockets-threads": sockets.with_threads,
    "google-genai": vendors.with_google,
    "cohere": vendors.with_cohere,
    "mistralai": vendors.with_mistral,
    "ollama": vendors.with_ollama,
    "litellm": vendors.with_litellm,
    "curl_cffi": others.with_curl_cffi,
    "grpcio": others.with_grpcio,
    "boto3": vendors.with_boto3,
    "boto3-invoke": vendors.with_boto3_invoke,
}


class Options(argparse.Namespace):
    def turns(self):
        """The calls, each when its time has come."""
        for call in range(self.calls):
            if self.told and not sys.stdin.readline():
                return
            yield call


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--base", required=True)
    parser.add_argument("--dialect", required=True, choices=asks.PATHS)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--told", action="store_true")
    parser.add_argument("--marker", required=True)
    parser.add_argument("--options", default="")
    parser.add_argument("--key", default="sk-test-secret-000111222333")
    o = parser.parse_args(namespace=Options())
    o.url, o.headers, o.http2 = o.base + asks.path(o), asks.headers(o), o.client.endswith("-h2")
    run = CLIENTS[o.client](o)
    if run is not None:
        asyncio.run(run)


if __name__ == "__main__":
    main()
