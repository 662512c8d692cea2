"""Clients of HTTP, without an SDK."""

import json

from asks import arguments
from collected import Collected


def with_requests(o):
    import requests

    with requests.Session() as session:
        for call in o.turns():
            collected = Collected(o)
            with session.post(o.url, headers=o.headers, json=arguments(o, call), stream=o.stream) as answer:
                answer.encoding = "utf-8"
                if o.stream and answer.ok:
                    for line in answer.iter_lines(chunk_size=1, decode_unicode=True, delimiter="\n"):
                        collected.line(line)
                elif answer.ok:
                    collected.whole(answer.json())
                else:
                    answer.content  # read, so that the connection is kept
            collected.told(call, answer.status_code)


def question(o, call):
    """What a call sends, as httpx takes it: compressed, as Codex does, if the
    options say so."""
    if "asked_in=zstd" not in o.options.split():
        return {"headers": o.headers, "json": arguments(o, call)}
    import zstandard

    body = zstandard.compress(json.dumps(arguments(o, call)).encode(), level=3)
    fields = {"Content-Type": "application/json", "Content-Encoding": "zstd"}
    return {"headers": {**o.headers, **fields}, "content": body}


def kept():
    """Connections wait for as long as a test does between two calls."""
    import httpx

    return httpx.Limits(keepalive_expiry=None)


def with_httpx(o):
    import httpx

    with httpx.Client(timeout=60, http2=o.http2, limits=kept()) as client:
        for call in o.turns():
            collected = Collected(o)
            with client.stream("POST", o.url, **question(o, call)) as answer:
                if o.stream and answer.is_success and o.dialect == "google.gemini":
                    for element in json.loads(answer.read()):
                        collected.event(element)
                elif o.stream and answer.is_success:
                    for line in answer.iter_lines():
                        collected.line(line)
                else:
                    answer.read()
                    if answer.is_success:
                        collected.whole(answer.json())
            collected.told(call, answer.status_code)


async def with_httpx_async(o):
    import httpx

    async with httpx.AsyncClient(timeout=60, http2=o.http2, limits=kept()) as client:
        for call in o.turns():
            collected = Collected(o)
            async with client.stream("POST", o.url, headers=o.headers, json=arguments(o, call)) as answer:
                if o.stream and answer.is_success:
                    async for line in answer.aiter_lines():
                        collected.line(line)
                else:
                    await answer.aread()
                    if answer.is_success:
                        collected.whole(answer.json())
            collected.told(call, answer.status_code)


async def with_aiohttp(o):
    import os
    import ssl

    import aiohttp

    trusted = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]) if o.base.startswith("https") else None
    connector = aiohttp.TCPConnector(ssl=trusted or True, keepalive_timeout=3600)
    async with aiohttp.ClientSession(connector=connector) as session:
        for call in o.turns():
            collected = Collected(o)
            async with session.post(o.url, headers=o.headers, json=arguments(o, call)) as answer:
                if o.stream and answer.ok:
                    async for line in answer.content:
                        collected.line(line.decode().rstrip("\n"))
                else:
                    body = await answer.read()
                    if answer.ok:
                        collected.whole(json.loads(body))
            collected.told(call, answer.status)
