#!/usr/bin/env python3
"""Records the captures of this directory from real clients and a real server.

    pip install 'httpx[http2]' hypercorn        # and curl, nghttp2-client, nodejs
    pip install google-ai-generativelanguage    # for the cases of gRPC
    ./record.py [CASE...]

A relay between the client and the server writes down what moves, chunk by
chunk, in the format of ../README.md. Clients: httpx (its HPACK adds every
field to its table), and curl, nghttp and node, which are all nghttp2 (it keeps
paths and credentials out of its table).
"""

import asyncio
import base64
import gzip
import json
import pathlib
import sys
import tempfile

import h2.config
import h2.connection
import httpx
from hypercorn.asyncio import serve
from hypercorn.config import Config

SERVER, RELAY, GRPC = 8470, 8471, 8472
HERE = pathlib.Path(__file__).parent
URL = f"http://localhost:{RELAY}"


def event(value):
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def chat_chunk(delta, finish=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                  "model": "gpt-4o-2024-08-06", "choices": [choice], **more})


USAGE = {"prompt_tokens": 19, "completion_tokens": 3, "total_tokens": 22,
         "prompt_tokens_details": {"cached_tokens": 8},
         "completion_tokens_details": {"reasoning_tokens": 0}}

CHAT = [
    chat_chunk({"role": "assistant", "content": ""}),
    chat_chunk({"content": "Hello"}),
    chat_chunk({"content": " there"}),
    chat_chunk({"content": "!"}),
    chat_chunk({}, "stop"),
    event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
           "model": "gpt-4o-2024-08-06", "choices": [], "usage": USAGE}),
    b"data: [DONE]\n\n",
]

TOOLS = [
    chat_chunk({"role": "assistant", "tool_calls": [
        {"index": 0, "id": "call_1", "type": "function",
         "function": {"name": "weather", "arguments": ""}}]}),
    chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]}),
    chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]}),
    chat_chunk({}, "tool_calls", usage=USAGE),
    b"data: [DONE]\n\n",
]

PLAIN = {"id": "chatcmpl-2", "object": "chat.completion", "created": 1,
         "model": "gpt-4o-2024-08-06", "usage": USAGE,
         "choices": [{"index": 0, "finish_reason": "stop",
                      "message": {"role": "assistant", "content": "Hello there!"}}]}

MODELS = {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1}]}

ERROR = {"error": {"message": "Rate limit reached", "type": "tokens",
                   "code": "rate_limit_exceeded", "param": None}}


def messages_event(name, value):
    return f"event: {name}\n".encode() + event({"type": name, **value})


MESSAGES = [
    messages_event("message_start", {"message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [], "stop_reason": None,
        "usage": {"input_tokens": 12, "cache_read_input_tokens": 100,
                  "cache_creation_input_tokens": 0, "output_tokens": 1}}}),
    messages_event("content_block_start",
                   {"index": 0, "content_block": {"type": "text", "text": ""}}),
    messages_event("content_block_delta",
                   {"index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
    messages_event("content_block_delta",
                   {"index": 0, "delta": {"type": "text_delta", "text": " you"}}),
    messages_event("content_block_stop", {"index": 0}),
    messages_event("message_delta", {"delta": {"stop_reason": "end_turn"},
                                     "usage": {"output_tokens": 4}}),
    messages_event("message_stop", {}),
]


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    ask = json.loads(body) if body else {}
    kind = ask.get("user", "")
    status, headers, pieces = 200, [(b"content-type", b"text/event-stream")], CHAT
    if scope["path"].endswith("/models"):
        headers, pieces = [(b"content-type", b"application/json")], [json.dumps(MODELS).encode()]
    elif scope["path"].endswith("/messages"):
        pieces = MESSAGES
    elif kind == "tools":
        pieces = TOOLS
    elif kind == "error":
        status, headers = 429, [(b"content-type", b"application/json"),
                                (b"retry-after", b"20")]
        pieces = [json.dumps(ERROR).encode()]
    elif not ask.get("stream"):
        headers, pieces = [(b"content-type", b"application/json")], [json.dumps(PLAIN).encode()]
    if b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"") and kind == "gzip":
        whole = gzip.compress(b"".join(pieces), mtime=0)
        pieces = [whole[at:at + 100] for at in range(0, len(whole), 100)]
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"x-request-id", f"req_{kind or 'chat'}".encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b""})


class Tape:
    def __init__(self, about):
        self.lines = [f"# {line}" for line in about.strip().splitlines()]

    def write(self, mark, data):
        self.lines += [f"{mark}base64 {base64.b64encode(data).decode()}", ""]


async def relay(tape, server=SERVER):
    async def pump(reader, writer, mark):
        while data := await reader.read(1 << 16):
            tape.write(mark, data)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve_one(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("localhost", server)
        await asyncio.gather(pump(reader, up_writer, ">"), pump(up_reader, writer, "<"))

    return await asyncio.start_server(serve_one, "localhost", RELAY)


def ask(user="", stream=True, text="Say hello"):
    return {"model": "gpt-4o", "stream": stream, "user": user,
            "messages": [{"role": "user", "content": text}]}


def client():
    return httpx.AsyncClient(http1=False, http2=True, base_url=URL, timeout=20,
                             headers={"authorization": "Bearer sk-0123456789"})


async def post(c, **kind):
    async with c.stream("POST", "/v1/chat/completions", json=ask(**kind)) as response:
        async for _ in response.aiter_raw():
            pass


async def httpx_chat():
    """httpx: a streamed chat."""
    async with client() as c:
        await post(c)


async def httpx_kept():
    """httpx: one connection, kept: streamed, plain, a tool call, an error,
    a stream in gzip, and the first again."""
    async with client() as c:
        for user, stream in [("", True), ("", False), ("tools", True), ("error", True),
                             ("gzip", True), ("", True)]:
            await post(c, user=user, stream=stream)


async def httpx_interleaved():
    """httpx: three chats at once, on interleaved streams."""
    async with client() as c:
        await asyncio.gather(post(c), post(c, user="tools"), post(c, stream=False))


async def httpx_messages():
    """httpx: another dialect, a long question in several DATA frames."""
    async with client() as c:
        body = {"model": "claude-sonnet-4-5", "max_tokens": 100, "stream": True,
                "messages": [{"role": "user", "content": "Say hi. " * 3000}]}
        headers = {"anthropic-version": "2023-06-01", "x-api-key": "sk-ant-0123456789"}
        async with c.stream("POST", "/v1/messages", json=body, headers=headers) as response:
            async for _ in response.aiter_raw():
                pass


async def run(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL)
    if code := await process.wait():
        print(f"{command[0]} exits with {code}", file=sys.stderr)


async def curl_chat():
    """curl: a streamed chat, by prior knowledge."""
    await run("curl", "--silent", "--http2-prior-knowledge", "-d", json.dumps(ask()),
              "-H", "content-type: application/json",
              "-H", "authorization: Bearer sk-0123456789", f"{URL}/v1/chat/completions")


async def curl_upgraded():
    """curl: asks HTTP/1.1 for an upgrade to HTTP/2, and gets it."""
    await run("curl", "--silent", "--http2", f"{URL}/v1/models")


async def nghttp_padded():
    """nghttp: two chats at once; padding, priorities, trailers."""
    with tempfile.NamedTemporaryFile("w") as body:
        json.dump(ask(), body)
        body.flush()
        await run("nghttp", "--null-out", "--padding=32", "--multiply=2",
                  "--trailer=x-checksum: 77", "-H", "content-type: application/json",
                  "-d", body.name, f"{URL}/v1/chat/completions")


async def nghttp_small_tables():
    """nghttp: two chats at once; a client whose SETTINGS leave the server's
    encoder no table, and whose own is of 100 octets."""
    with tempfile.NamedTemporaryFile("w") as body:
        json.dump(ask(), body)
        body.flush()
        await run("nghttp", "--null-out", "--header-table-size=0", "--no-dep", "--multiply=2",
                  "--encoder-header-table-size=100", "-H", "content-type: application/json",
                  "-H", "x-conversation: one", "-d", body.name, f"{URL}/v1/chat/completions")


async def node_kept():
    """node: two chats on one connection, the second while the first streams."""
    script = """
        const session = require('http2').connect(process.argv[1]);
        let left = 2;
        const ask = (body) => {
            const stream = session.request({':method': 'POST', ':path': '/v1/chat/completions',
                'content-type': 'application/json', authorization: 'Bearer sk-0123456789'});
            stream.on('data', () => {});
            stream.on('end', () => { if (--left === 0) session.close(); });
            stream.end(body);
        };
        ask(process.argv[2]);
        setTimeout(() => ask(process.argv[2]), 30);
    """
    await run("node", "-e", script, URL, json.dumps(ask()))


async def node_cancelled():
    """node: a client that gives up in the middle, then asks again."""
    script = """
        const session = require('http2').connect(process.argv[1]);
        const ask = (chunk, end) => {
            const stream = session.request({':method': 'POST', ':path': '/v1/chat/completions',
                'content-type': 'application/json', authorization: 'Bearer sk-0123456789'});
            stream.on('data', () => chunk(stream));
            stream.on('close', end);
            stream.end(process.argv[2]);
        };
        let chunks = 0;
        const twice = (stream) => { if (++chunks === 2) stream.close(8); };
        ask(twice, () => ask(() => {}, () => session.close()));
    """
    await run("node", "-e", script, URL, json.dumps(ask()))


class Gemini:
    """Gemini's GenerativeService, as Google's own library and gRPC have it."""

    def __init__(self):
        import grpc
        from google.ai import generativelanguage as api

        self.grpc, self.api = grpc, api

    def candidate(self, part, finish=None, **more):
        content = self.api.Content(role="model", parts=[self.api.Part(part)])
        candidate = self.api.Candidate(content=content, index=0, finish_reason=finish)
        return self.api.GenerateContentResponse(
            candidates=[candidate], model_version="gemini-2.5-flash", response_id="r1", **more)

    def usage(self):
        kind = self.api.GenerateContentResponse.UsageMetadata
        return kind(prompt_token_count=10, candidates_token_count=4, thoughts_token_count=6,
                    cached_content_token_count=2, total_token_count=20)

    async def stream(self, request, context):
        last = dict(finish=1, usage_metadata=self.usage())
        if request.tools:
            call = self.api.FunctionCall(name="weather", args={"city": "Oslo", "days": 3})
            yield self.candidate({"text": "Look it up.", "thought": True})
            yield self.candidate({"function_call": call}, **last)
            return
        for text in ["Hello", " thére"]:
            yield self.candidate({"text": text})
            await asyncio.sleep(0.01)
        if "broken" in str(request.contents):
            await context.abort(self.grpc.StatusCode.UNAVAILABLE, "overloaded, try later")
        yield self.candidate({"text": "!"}, **last)

    async def whole(self, request, context):
        if "refused" in str(request.contents):
            await context.abort(self.grpc.StatusCode.RESOURCE_EXHAUSTED, "100% of the quota")
        return self.candidate({"text": "Hello there!"}, finish=1, usage_metadata=self.usage())

    async def count(self, request, context):
        return self.api.CountTokensResponse(total_tokens=7)

    async def serve(self):
        grpc, api = self.grpc, self.api
        read = api.GenerateContentRequest.deserialize
        write = api.GenerateContentResponse.serialize
        handlers = {
            "StreamGenerateContent": grpc.unary_stream_rpc_method_handler(self.stream, read, write),
            "GenerateContent": grpc.unary_unary_rpc_method_handler(self.whole, read, write),
            "CountTokens": grpc.unary_unary_rpc_method_handler(
                self.count, api.CountTokensRequest.deserialize, api.CountTokensResponse.serialize),
        }
        server = grpc.aio.server()
        service = "google.ai.generativelanguage.v1beta.GenerativeService"
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, handlers)])
        server.add_insecure_port(f"localhost:{GRPC}")
        await server.start()
        return server

    async def call(self, texts, compression=None):
        """Asks once for each text: `plain` in one message, `count` to count."""
        from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
            GenerativeServiceGrpcAsyncIOTransport as Transport)

        compression = compression and self.grpc.Compression.Gzip
        async with self.grpc.aio.insecure_channel(
                f"localhost:{RELAY}", compression=compression) as channel:
            transport = Transport(channel=channel)
            for text in texts:
                content = self.api.Content(role="user", parts=[{"text": text}])
                ask = dict(model="models/gemini-2.5-flash", contents=[content])
                if "tools" in text:
                    ask["tools"] = [{"function_declarations": [
                        {"name": "weather", "description": "The weather"}]}]
                config = dict(temperature=0.7, max_output_tokens=64)
                metadata = [("x-goog-api-key", "AIzaEXAMPLE")]
                try:
                    if "count" in text:
                        request = self.api.CountTokensRequest(**ask)
                        await transport.count_tokens(request, metadata=metadata)
                    else:
                        request = self.api.GenerateContentRequest(
                            **ask, generation_config=config)
                        if "plain" in text:
                            await transport.generate_content(request, metadata=metadata)
                        else:
                            call = transport.stream_generate_content(request, metadata=metadata)
                            async for _ in call:
                                pass
                except self.grpc.aio.AioRpcError as error:
                    print(f"{text}: {error.code().name}", file=sys.stderr)


async def grpc_gemini(gemini):
    """gRPC's own client, and Google's library: a streamed answer."""
    await gemini.call(["Say hello"])


async def grpc_gemini_kept(gemini):
    """gRPC: one connection, kept: streamed, in one message, a tool call, refused,
    failed in the middle, tokens counted, and the first again."""
    await gemini.call(["Say hello", "plain", "tools", "plain, but refused", "broken", "count",
                       "Say hello"])


async def grpc_gemini_gzip(gemini):
    """gRPC: a long question, compressed."""
    await gemini.call(["Say hello. " * 200], compression=True)


class Made:
    """A connection between two peers in memory (hyper-h2), for what servers do
    only when they are unwell."""

    def __init__(self, tape):
        self.tape = tape
        settings = h2.config.H2Configuration(client_side=True, header_encoding=None)
        self.client = h2.connection.H2Connection(settings)
        settings = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self.server = h2.connection.H2Connection(settings)
        self.client.initiate_connection()
        self.server.initiate_connection()
        self.move()

    def move(self, lost=None):
        """Moves what is to be sent; of the server's bytes, `lost` are lost."""
        while True:
            sent, received = self.client.data_to_send(), self.server.data_to_send()
            if not sent and not received:
                return
            if sent:
                self.tape.write(">", sent)
                self.server.receive_data(sent)
            if received and lost:
                start, end = lost
                self.tape.write("<", received[:start])
                self.tape.lines += [f"gap < {end - start}", ""]
                self.tape.write("<", received[end:])
            elif received:
                self.tape.write("<", received)
            if received:
                self.client.receive_data(received)

    def ask(self, stream, path="/v1/chat/completions", body=None):
        self.client.send_headers(stream, [
            (":method", "POST"), (":scheme", "https"), (":authority", "api.example.com"),
            (":path", path), ("content-type", "application/json"),
            ("authorization", "Bearer sk-0123456789")])
        self.client.send_data(stream, json.dumps(body or ask()).encode(), end_stream=True)
        self.move()

    def answer(self, stream, events, end=True, content_type="text/event-stream"):
        self.server.send_headers(stream, [
            (":status", "200"), ("content-type", content_type), ("x-request-id", "req_made")])
        for event in events:
            self.server.send_data(stream, event)
            self.move()
        if end:
            self.server.end_stream(stream)
            self.move()


def made_unwell(made):
    """A server that resets one stream, fails another in its trailers as gRPC
    does, and goes away with the third unanswered."""
    made.ask(1)
    made.answer(1, CHAT[:3], end=False)
    made.server.reset_stream(1, error_code=2)
    made.move()
    made.ask(3, "/example.Service/Chat", {"question": "hi"})
    made.answer(3, [b"\0\0\0\0\x02hi"], end=False, content_type="application/grpc")
    made.server.send_headers(3, [("grpc-status", "8"), ("grpc-message", "out of quota")],
                             end_stream=True)
    made.move()
    made.ask(5)
    made.server.close_connection(error_code=11, additional_data=b"too_many_pings",
                                 last_stream_id=5)
    made.move()


def made_grpc_details(made):
    """gRPC, refused before it has said a word: a quota is used up, and what is behind
    that is told in a field of bytes."""
    sys.path.insert(0, str(HERE.parent / "http1"))
    import make

    def detail(kind, message):
        return make.proto((1, f"type.googleapis.com/google.rpc.{kind}"), (2, message))

    made.client.send_headers(1, [
        (":method", "POST"), (":scheme", "https"),
        (":authority", "generativelanguage.googleapis.com"),
        (":path", "/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent"),
        ("content-type", "application/grpc"), ("te", "trailers"), ("x-goog-api-key", "AIza0")])
    contents = make.proto((1, make.proto((2, "Hi"))), (2, "user"))
    request = make.proto((1, "models/gemini-2.5-flash"), (2, contents))
    made.client.send_data(1, make.enveloped(request), end_stream=True)
    made.move()
    # So do servers of gRPC, to measure the way.
    made.server.increment_flow_control_window(len(request))
    made.server.ping(b"measure!")
    quota = make.proto((4, "requests"), (5, "GenerateRequestsPerDay-FreeTier"), (7, 20))
    status = make.proto(
        (1, 8), (2, "You exceeded your current quota."),
        (3, detail("QuotaFailure", make.proto((1, quota)))),
        (3, detail("RetryInfo", make.proto((1, make.proto((1, 41), (2, 500_000_000)))))))
    made.server.send_headers(1, [
        (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "8"),
        ("grpc-message", "You exceeded your current quota."),
        ("grpc-status-details-bin", base64.b64encode(status).decode().rstrip("="))],
        end_stream=True)
    made.move()


def made_gap_in_data(made):
    """Bytes of one event are lost, and nothing else: the frame says where it
    ends."""
    made.ask(1)
    made.answer(1, CHAT[:2], end=False)
    made.server.send_data(1, CHAT[2])
    made.move(lost=(30, 130))
    for event in CHAT[3:]:
        made.server.send_data(1, event)
        made.move()
    made.server.end_stream(1)
    made.move()


def made_gap_over_frames(made):
    """The end of one answer is lost with the head of the next; its body is
    found again."""
    made.ask(1)
    made.answer(1, CHAT[:4], end=False)
    for event in CHAT[4:]:
        made.server.send_data(1, event)
    made.server.end_stream(1)
    made.client.send_headers(3, [
        (":method", "POST"), (":scheme", "https"), (":authority", "api.example.com"),
        (":path", "/v1/chat/completions"), ("content-type", "application/json")])
    made.client.send_data(3, json.dumps(ask("tools")).encode(), end_stream=True)
    made.tape.write(">", question := made.client.data_to_send())
    made.server.receive_data(question)
    made.server.send_headers(3, [(":status", "200"), ("content-type", "text/event-stream")])
    made.server.send_data(3, TOOLS[0])
    made.move(lost=(100, 700))
    for event in TOOLS[1:]:
        made.server.send_data(3, event)
        made.move()
    made.server.end_stream(3)
    made.move()
    made.ask(5)
    made.answer(5, CHAT)


def enveloped(data, flags=0):
    """A message as gRPC and Connect have it."""
    return bytes([flags]) + len(data).to_bytes(4, "big") + data


def made_connect_both_ways(made):
    """Connect: client and server talk at once, as Cursor's agent does. The model
    is in the client's first message, its last comes after the answer; messages
    are cut where frames are not."""
    made.client.send_headers(1, [
        (":method", "POST"), (":scheme", "https"), (":authority", "agent.api5.cursor.sh"),
        (":path", "/agent.v1.AgentService/Run"), ("content-type", "application/connect+proto"),
        ("connect-protocol-version", "1"), ("connect-content-encoding", "gzip"),
        ("authorization", "Bearer 0123456789")])
    ask = b"\x0a\x2f\x0a\x06c0ffee\x12\x18\x0a\x16Fix the bug in main.rs\x1a\x0b\x0a\x09gpt-5-max"
    packed = enveloped(gzip.compress(ask, mtime=0), 1)
    made.client.send_data(1, packed[:20])
    made.client.send_data(1, packed[20:])
    made.move()
    said = [enveloped(b"\x0a\x0b\x0a\x09\x0a\x07Reading"), enveloped(b"\x0a\x02\x6a\x00"),
            enveloped(gzip.compress(b"\x0a\x0c\x0a\x0a\x0a\x08 main.rs", mtime=0), 1)]
    whole = b"".join(said)
    made.server.send_headers(1, [
        (":status", "200"), ("content-type", "application/connect+proto"),
        ("connect-content-encoding", "gzip")])
    for at in range(0, len(whole), 17):
        made.server.send_data(1, whole[at:at + 17])
        made.move()
    made.client.send_data(1, enveloped(b"\x12\x06\x0a\x04done"), end_stream=True)
    made.move()
    made.server.send_data(1, enveloped(b'{"metadata":{"x-request-cost":["2"]}}', 2), end_stream=True)
    made.move()


def made_event_stream(made):
    """Bedrock, as clients that speak HTTP/2 ask it: an event stream, in frames
    that are cut where messages are not."""
    sys.path.insert(0, str(HERE.parent / "http1"))
    import make

    made.ask(1, "/model/us.amazon.nova-lite-v1%3A0/converse-stream", make.question())
    whole = b"".join(make.CONVERSE)
    pieces = [whole[at:at + 100] for at in range(0, len(whole), 100)]
    made.answer(1, pieces, content_type=make.EVENTS)


def made_left_with_its_length(made):
    """The client leaves as soon as it has as many bytes as were announced, and
    does not wait for the flag that ends the stream."""
    made.ask(1)
    answer = json.dumps(PLAIN).encode()
    made.server.send_headers(1, [(":status", "200"), ("content-type", "application/json"),
                                 ("content-length", str(len(answer)))])
    made.server.send_data(1, answer)
    made.move()


MADE = [made_unwell, made_grpc_details, made_gap_in_data, made_gap_over_frames, made_connect_both_ways,
        made_event_stream, made_left_with_its_length]

OF_GEMINI = [grpc_gemini, grpc_gemini_kept, grpc_gemini_gzip]

CASES = [httpx_chat, httpx_kept, httpx_interleaved, httpx_messages, curl_chat, curl_upgraded,
         nghttp_padded, nghttp_small_tables, node_kept, node_cancelled]


async def main(wanted):
    config = Config()
    config.bind = [f"localhost:{SERVER}"]
    config.accesslog = None
    config.errorlog = None
    stop = asyncio.Event()
    server = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    await asyncio.sleep(0.5)
    gemini = of_gemini = None
    for case in [*CASES, *OF_GEMINI, *MADE]:
        name = case.__name__.replace("_", "-")
        if wanted and name not in wanted:
            continue
        tape = Tape(case.__doc__)
        if case in MADE:
            case(Made(tape))
        elif case in OF_GEMINI:
            gemini = gemini or Gemini()
            of_gemini = of_gemini or await gemini.serve()
            between = await relay(tape, GRPC)
            await case(gemini)
            await asyncio.sleep(0.2)
            between.close()
        else:
            between = await relay(tape)
            await case()
            await asyncio.sleep(0.1)
            between.close()
        (HERE / name).mkdir(exist_ok=True)
        (HERE / name / "capture.txt").write_text("\n".join([*tape.lines, "close", ""]))
        print(name)
    # What the clients left open is of no interest any more.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    stop.set()
    await server


asyncio.run(main(sys.argv[1:]))
