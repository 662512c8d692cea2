#!/usr/bin/env python3
"""Asks a model API and prints what came back, one JSON object a call:
{"marker", "status", "text", "usage"}, usage as the API sent it.

    chat.py CLIENT --base URL --dialect NAME [--stream] [--calls N]
            --marker ID [--options 'tokens=7 gzip=1']

CLIENT: requests, httpx, httpx-async, aiohttp, and for the SDKs openai,
openai-async, anthropic, anthropic-async. Calls share one session.
"""

import argparse
import asyncio
import json

PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.responses": "/v1/responses",
    "anthropic.messages": "/v1/messages",
}


def prompt(o, call):
    return f"marker={o.marker}-{call} {o.options} Say something nice, naïve 日本語 🦀."


def arguments(o, call):
    """The request, as the SDKs' methods take it and as JSON."""
    message = {"role": "user", "content": prompt(o, call)}
    system = "You are a test."
    if o.dialect == "openai.responses":
        given = {"model": "gpt-4.1-mini", "instructions": system, "input": [message]}
    elif o.dialect == "anthropic.messages":
        given = {"model": "claude-sonnet-4-5", "max_tokens": 1024, "system": system, "messages": [message]}
    else:
        given = {"model": "gpt-4.1-mini", "messages": [{"role": "system", "content": system}, message]}
        if o.stream:
            given["stream_options"] = {"include_usage": True}
    if o.stream:
        given["stream"] = True
    return given


class Collected:
    """Puts an answer together from whole objects or events, as plain dicts."""

    def __init__(self, dialect):
        self.dialect, self.text, self.usage = dialect, "", None

    def whole(self, answer):
        if self.dialect == "openai.chat":
            self.text = answer["choices"][0]["message"]["content"]
        elif self.dialect == "openai.responses":
            parts = [p for item in answer["output"] if item["type"] == "message" for p in item["content"]]
            self.text = "".join(p["text"] for p in parts)
        else:
            self.text = "".join(b["text"] for b in answer["content"] if b["type"] == "text")
        self.usage = answer["usage"]

    def event(self, event):
        if self.dialect == "openai.chat":
            for choice in event["choices"]:
                self.text += choice["delta"].get("content") or ""
            self.usage = event.get("usage") or self.usage
        elif self.dialect == "openai.responses":
            if event["type"] == "response.output_text.delta":
                self.text += event["delta"]
            elif event["type"] == "response.completed":
                self.usage = event["response"]["usage"]
        elif event["type"] == "message_start":
            self.usage = event["message"]["usage"]
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
            self.text += event["delta"]["text"]
        elif event["type"] == "message_delta":
            self.usage = {**self.usage, **event["usage"]}

    def line(self, line):
        """One line of an event stream."""
        if line.startswith("data: ") and line != "data: [DONE]":
            self.event(json.loads(line[6:]))

    def told(self, o, call, status):
        print(
            json.dumps({"marker": f"{o.marker}-{call}", "status": status, "text": self.text, "usage": self.usage}),
            flush=True,
        )


def with_requests(o):
    import requests

    with requests.Session() as session:
        for call in range(o.calls):
            collected = Collected(o.dialect)
            with session.post(o.url, headers=o.headers, json=arguments(o, call), stream=o.stream) as answer:
                answer.encoding = "utf-8"
                if o.stream and answer.ok:
                    for line in answer.iter_lines(chunk_size=1, decode_unicode=True, delimiter="\n"):
                        collected.line(line)
                elif answer.ok:
                    collected.whole(answer.json())
                else:
                    answer.content  # read, so that the connection is kept
            collected.told(o, call, answer.status_code)


def with_httpx(o):
    import httpx

    with httpx.Client(timeout=60) as client:
        for call in range(o.calls):
            collected = Collected(o.dialect)
            with client.stream("POST", o.url, headers=o.headers, json=arguments(o, call)) as answer:
                if o.stream and answer.is_success:
                    for line in answer.iter_lines():
                        collected.line(line)
                else:
                    answer.read()
                    if answer.is_success:
                        collected.whole(answer.json())
            collected.told(o, call, answer.status_code)


async def with_httpx_async(o):
    import httpx

    async with httpx.AsyncClient(timeout=60) as client:
        for call in range(o.calls):
            collected = Collected(o.dialect)
            async with client.stream("POST", o.url, headers=o.headers, json=arguments(o, call)) as answer:
                if o.stream and answer.is_success:
                    async for line in answer.aiter_lines():
                        collected.line(line)
                else:
                    await answer.aread()
                    if answer.is_success:
                        collected.whole(answer.json())
            collected.told(o, call, answer.status_code)


async def with_aiohttp(o):
    import os
    import ssl

    import aiohttp

    trusted = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]) if o.base.startswith("https") else None
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted or True)) as session:
        for call in range(o.calls):
            collected = Collected(o.dialect)
            async with session.post(o.url, headers=o.headers, json=arguments(o, call)) as answer:
                if o.stream and answer.ok:
                    async for line in answer.content:
                        collected.line(line.decode().rstrip("\n"))
                else:
                    body = await answer.read()
                    if answer.ok:
                        collected.whole(json.loads(body))
            collected.told(o, call, answer.status)


def sdk(o, asynchronous):
    """The SDK's client and its method for the dialect."""
    if o.dialect == "anthropic.messages":
        import anthropic as package

        kind = package.AsyncAnthropic if asynchronous else package.Anthropic
        client = kind(base_url=o.base, api_key=o.key, max_retries=0)
        return package, client, client.messages.create
    import openai as package

    kind = package.AsyncOpenAI if asynchronous else package.OpenAI
    client = kind(base_url=o.base + "/v1", api_key=o.key, max_retries=0)
    chat = o.dialect == "openai.chat"
    return package, client, client.chat.completions.create if chat else client.responses.create


def with_sdk(o):
    package, client, create = sdk(o, False)
    with client:
        for call in range(o.calls):
            collected, status = Collected(o.dialect), 200
            try:
                answer = create(**arguments(o, call))
                if o.stream:
                    for event in answer:
                        collected.event(event.model_dump(exclude_unset=True))
                else:
                    collected.whole(answer.model_dump(exclude_unset=True))
            except package.APIStatusError as error:
                status = error.status_code
            collected.told(o, call, status)


async def with_sdk_async(o):
    package, client, create = sdk(o, True)
    async with client:
        for call in range(o.calls):
            collected, status = Collected(o.dialect), 200
            try:
                answer = await create(**arguments(o, call))
                if o.stream:
                    async for event in answer:
                        collected.event(event.model_dump(exclude_unset=True))
                else:
                    collected.whole(answer.model_dump(exclude_unset=True))
            except package.APIStatusError as error:
                status = error.status_code
            collected.told(o, call, status)


CLIENTS = {
    "requests": with_requests,
    "httpx": with_httpx,
    "httpx-async": with_httpx_async,
    "aiohttp": with_aiohttp,
    "openai": with_sdk,
    "openai-async": with_sdk_async,
    "anthropic": with_sdk,
    "anthropic-async": with_sdk_async,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--base", required=True)
    parser.add_argument("--dialect", required=True, choices=PATHS)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--marker", required=True)
    parser.add_argument("--options", default="")
    parser.add_argument("--key", default="sk-test-secret-000111222333")
    o = parser.parse_args()
    o.url = o.base + PATHS[o.dialect]
    o.headers = {"x-api-key": o.key} if o.dialect.startswith("anthropic") else {"Authorization": f"Bearer {o.key}"}
    run = CLIENTS[o.client](o)
    if run is not None:
        asyncio.run(run)


if __name__ == "__main__":
    main()
