#!/usr/bin/env python3
"""Records the captures of this directory from real WebSocket peers.

    pip install websockets h2 wsproto
    ./record.py [CASE...]

A relay between a client and a server (both of `websockets`, which negotiates
permessage-deflate unless told otherwise) writes down what moves, chunk by
chunk, in the format of ../README.md. The cases `made-*` are of two peers in
memory (`wsproto`, over HTTP/2 with `h2`), for what those do not do.
"""

import asyncio
import base64
import json
import pathlib
import sys

import h2.config
import h2.connection
import h2.settings
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory)
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

SERVER, RELAY = 8480, 8481
HERE = pathlib.Path(__file__).parent
KEY = {"Authorization": "Bearer sk-0123456789", "OpenAI-Beta": "responses_websockets=2026-02-06"}

# OpenAI's Responses API.


def create(text, **more):
    return {"type": "response.create", "model": "gpt-5", "input": [
        {"type": "message", "role": "user",
         "content": [{"type": "input_text", "text": text}]}], **more}


def usage(inputs, cached, outputs, reasoning):
    return {"input_tokens": inputs, "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": outputs, "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": inputs + outputs}


def response(name, status, **more):
    return {"id": name, "object": "response", "created_at": 1, "status": status,
            "model": "gpt-5-2026-01-01", "output": [], **more}


def numbered(events, lane=None):
    for number, event in enumerate(events):
        event = {**event, "sequence_number": number}
        yield {**event, "stream_id": lane} if lane else event


def say(name, words, figures, lane=None):
    item = {"id": f"msg_{name}", "type": "message", "role": "assistant"}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    text = "".join(words)
    content = [{"type": "output_text", "text": text}]
    return list(numbered([
        {"type": "response.created", "response": response(name, "in_progress")},
        {"type": "response.in_progress", "response": response(name, "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        *({"type": "response.output_text.delta", "delta": word, **place} for word in words),
        {"type": "response.output_text.done", "text": text, **place},
        {"type": "response.output_item.done", "output_index": 0,
         "item": {**item, "content": content}},
        {"type": "response.completed",
         "response": response(name, "completed", usage=figures)},
    ], lane))


def call(name, figures):
    item = {"id": f"fc_{name}", "type": "function_call", "call_id": "call_1", "name": "weather"}
    place = {"item_id": item["id"], "output_index": 0}
    return list(numbered([
        {"type": "response.created", "response": response(name, "in_progress")},
        {"type": "response.output_item.added", "output_index": 0,
         "item": {**item, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "delta": '{"city":', **place},
        {"type": "response.function_call_arguments.delta", "delta": '"Oslo"}', **place},
        {"type": "response.function_call_arguments.done", "arguments": '{"city":"Oslo"}', **place},
        {"type": "response.output_item.done", "output_index": 0,
         "item": {**item, "arguments": '{"city":"Oslo"}'}},
        {"type": "response.completed", "response": response(name, "completed", usage=figures)},
    ]))


HELLO = say("resp_1", ["Hello", " there", "!"], usage(19, 8, 3, 0))
AGAIN = say("resp_2", ["Once", " more"], usage(40, 24, 2, 1))
WEATHER = call("resp_3", usage(50, 0, 12, 4))
RESULT = {"type": "response.create", "model": "gpt-5", "previous_response_id": "resp_3", "input": [
    {"type": "function_call_output", "call_id": "call_1", "output": "rain"}]}
LIMITS = {"type": "codex.rate_limits", "plan_type": "plus", "rate_limits": {
    "primary": {"used_percent": 42, "window_minutes": 300, "reset_at": 1790000000}}}
REFUSED = {"type": "error", "status": 429, "error": {
    "type": "usage_limit_reached", "message": "The usage limit has been reached",
    "plan_type": "plus", "resets_at": 1790000000}, "headers": {"retry-after": "60"}}
EXPIRED = {"type": "error", "status": 400, "error": {
    "type": "invalid_request_error", "code": "websocket_connection_limit_reached",
    "message": "Responses websocket connection limit reached (60 minutes)."}}

# OpenAI's Realtime API.


def event(kind, **more):
    return {"type": kind, "event_id": f"event_{kind}", **more}


def speak(name, words, figures, audio=0):
    where = {"response_id": name, "item_id": f"item_{name}", "output_index": 0, "content_index": 0}
    spoken = "output_audio_transcript" if audio else "output_text"
    whole = {"transcript" if audio else "text": "".join(words)}
    content = [{"type": "output_audio" if audio else "output_text", **whole}]
    yield event("response.created", response={"object": "realtime.response", "id": name,
                                              "status": "in_progress", "output": []})
    yield event("response.output_item.added", response_id=name, output_index=0, item={
        "id": f"item_{name}", "type": "message", "role": "assistant", "content": []})
    for word in words:
        yield event(f"response.{spoken}.delta", delta=word, **where)
        if audio:
            yield event("response.output_audio.delta", delta=pcm(audio), **where)
    if audio:
        yield event("response.output_audio.done", **where)
    yield event(f"response.{spoken}.done", **whole, **where)
    yield event("response.done", response={
        "object": "realtime.response", "id": name, "status": "completed", "usage": figures,
        "output": [{"id": f"item_{name}", "type": "message", "role": "assistant",
                    "content": content}]})


def pcm(size):
    return base64.b64encode(bytes(n * n % 251 for n in range(size))).decode()


def tokens(text, audio, cached, out_text, out_audio):
    return {"total_tokens": text + audio + out_text + out_audio,
            "input_tokens": text + audio, "output_tokens": out_text + out_audio,
            "input_token_details": {"text_tokens": text, "audio_tokens": audio,
                                    "image_tokens": 0, "cached_tokens": cached},
            "output_token_details": {"text_tokens": out_text, "audio_tokens": out_audio}}


SESSION = event("session.created", session={
    "type": "realtime", "object": "realtime.session", "id": "sess_1", "model": "gpt-realtime"})
ITEM = {"type": "conversation.item.create", "item": {
    "type": "message", "role": "user",
    "content": [{"type": "input_text", "text": "Say hello"}]}}
BUSY = event("error", error={
    "type": "invalid_request_error", "code": "conversation_already_has_active_response",
    "message": "Conversation already has an active response", "event_id": "ask_2"})
QUOTA = event("rate_limits.updated", rate_limits=[
    {"name": "tokens", "limit": 40000, "remaining": 39900, "reset_seconds": 0.1}])

# Gemini's Live API, which sends its JSON in binary messages.

SETUP = {"setup": {"model": "models/gemini-2.5-flash-live",
                   "systemInstruction": {"parts": [{"text": "Be brief."}]},
                   "generationConfig": {"responseModalities": ["AUDIO"]}}}
TURN = {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "Weather in Oslo?"}]}],
                          "turnComplete": True}}
TOOL = {"toolCall": {"functionCalls": [
    {"id": "fn_1", "name": "weather", "args": {"city": "Oslo"}}]}}
DONE = {"toolResponse": {"functionResponses": [
    {"id": "fn_1", "name": "weather", "response": {"sky": "rain"}}]}}
FIGURES = {"promptTokenCount": 30, "responseTokenCount": 12, "thoughtsTokenCount": 5,
           "cachedContentTokenCount": 10, "totalTokenCount": 47}


def heard(text, **more):
    return {"serverContent": {"modelTurn": {"role": "model", "parts": [
        {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": pcm(600)}}]},
        "outputTranscription": {"text": text}, **more}}


def packed(value):
    return json.dumps(value, separators=(",", ":"))


class Talk:
    """A server that answers each message it is told of with the next answer."""

    def __init__(self, *answers, greeting=(), binary=False, close=None, pieces=False):
        self.answers, self.greeting, self.binary = answers, greeting, binary
        self.close, self.pieces = close, pieces

    async def send(self, ws, value):
        text = packed(value)
        if self.pieces:
            third = len(text) // 3

            async def pieces():
                yield text[:third]
                await ws.ping()
                yield text[third:2 * third]
                yield text[2 * third:]
            await ws.send(pieces())
        else:
            await ws.send(text.encode() if self.binary else text)
        await asyncio.sleep(0.002)

    async def __call__(self, ws):
        for value in self.greeting:
            await self.send(ws, value)
        for answer in self.answers:
            message = await ws.recv()
            while answer and skipped(message):
                message = await ws.recv()
            for value in answer:
                await self.send(ws, value)
        if self.close:
            await ws.close(*self.close)
        await ws.wait_closed()


def skipped(message):
    """Messages that nobody answers."""
    kind = json.loads(message).get("type", "")
    return kind in ("conversation.item.create", "input_audio_buffer.append", "session.update") \
        and "last" not in message


class Tape:
    def __init__(self, about):
        self.lines = [f"# {line.strip()}" for line in about.strip().splitlines()]

    def write(self, mark, data):
        self.lines += [f"{mark}base64 {base64.b64encode(data).decode()}", ""]


async def relay(tape):
    async def pump(reader, writer, mark):
        while data := await reader.read(1 << 16):
            tape.write(mark, data)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve_one(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("localhost", SERVER)
        await asyncio.gather(pump(reader, up_writer, ">"), pump(up_reader, writer, "<"))

    return await asyncio.start_server(serve_one, "localhost", RELAY)


async def play(tape, path, server, asks, compression="deflate", client=None, sides=None):
    """Asks, and after each hears out the answer: as many messages as said."""
    client_side, server_side = sides or (None, None)
    options = {"compression": compression} if not sides else {"compression": None}
    async with serve(server, "localhost", SERVER, ping_interval=None,
                     extensions=server_side, **options):
        between = await relay(tape)
        async with connect(f"ws://localhost:{RELAY}{path}", ping_interval=None,
                           additional_headers=KEY, extensions=client_side, **options) as ws:
            for ask, count in asks:
                if ask is not None:
                    await ws.send(ask if isinstance(ask, bytes) else packed(ask))
                for _ in range(count):
                    await ws.recv()
                await asyncio.sleep(0.005)
            if server.close:
                await ws.wait_closed()
        await asyncio.sleep(0.05)
        between.close()


TWO = [(create("Say hello"), len(HELLO)),
       (create("Again", previous_response_id="resp_1"), len(AGAIN))]


async def responses_plain(tape):
    """Responses API, two questions, no compression."""
    await play(tape, "/v1/responses", Talk(HELLO, AGAIN), TWO, compression=None)


async def responses_deflate(tape):
    """The same, compressed: each message refers to those before it."""
    await play(tape, "/v1/responses", Talk(HELLO, AGAIN), TWO)


async def responses_deflate_alone(tape):
    """The same, compressed, each message on its own."""
    sides = ([ClientPerMessageDeflateFactory(server_no_context_takeover=True,
                                             client_no_context_takeover=True)],
             [ServerPerMessageDeflateFactory(server_no_context_takeover=True,
                                             client_no_context_takeover=True,
                                             server_max_window_bits=10)])
    await play(tape, "/v1/responses", Talk(HELLO, AGAIN), TWO, sides=sides)


async def responses_fragments(tape):
    """Compressed messages in three fragments, with a ping after the first."""
    await play(tape, "/v1/responses", Talk(HELLO, pieces=True), TWO[:1])


async def responses_tools(tape):
    """A call of a tool, and its result."""
    asks = [(create("Weather in Oslo?", tools=[{"type": "function", "name": "weather"}]),
             len(WEATHER)), (RESULT, len(AGAIN))]
    await play(tape, "/v1/responses", Talk(WEATHER, AGAIN), asks, compression=None)


async def responses_error(tape):
    """An error instead of an answer, an answer, an error of the socket, the end."""
    server = Talk([REFUSED], HELLO, [EXPIRED], close=(1011, "too long"))
    asks = [(create("Say hello"), 1), (create("Say hello"), len(HELLO)),
            ({"type": "response.cancel"}, 1)]
    await play(tape, "/v1/responses", server, asks, compression=None)


async def responses_lanes(tape):
    """Two questions at once, in lanes, their answers interleaved."""
    one = say("resp_1", ["Hel", "lo"], usage(10, 0, 2, 0), lane="a")
    two = say("resp_2", ["Good", "bye"], usage(20, 16, 3, 0), lane="b")
    mixed = [event for pair in zip(one, two) for event in pair]
    asks = [(create("Say hello", stream_id="a"), 0),
            (create("Say goodbye", stream_id="b"), len(mixed))]
    await play(tape, "/v1/responses", Talk([], mixed), asks, compression=None)


async def responses_codex(tape):
    """Codex: rate limits among the events, and a question that continues."""
    more = {"type": "response.append", "input": [
        {"type": "function_call_output", "call_id": "call_1", "output": "rain"}]}
    first = [WEATHER[0], LIMITS, *WEATHER[1:]]
    asks = [(create("Weather in Oslo?"), len(first)), (more, len(AGAIN))]
    await play(tape, "/backend-api/codex/responses", Talk(first, AGAIN), asks)


async def realtime_text(tape):
    """Realtime API: an item and a question, a question too many, a tool."""
    text = list(speak("resp_1", ["Hello", " there"], tokens(20, 0, 8, 3, 0)))
    text = [*text[:4], BUSY, *text[4:], QUOTA]
    asks = [(None, 1), (ITEM, 0), ({"type": "response.create", "event_id": "ask_1"}, 0),
            ({"type": "response.create", "event_id": "ask_2", "last": 1}, len(text))]
    await play(tape, "/v1/realtime?model=gpt-realtime", Talk([], text, greeting=[SESSION]), asks)


async def realtime_voice(tape):
    """Realtime API: speech that the server answers by itself, in speech."""
    append = {"type": "input_audio_buffer.append", "audio": pcm(900)}
    last = {**append, "event_id": "last"}
    spoken = [event("input_audio_buffer.speech_started", audio_start_ms=10),
              event("input_audio_buffer.committed", item_id="item_1"),
              *speak("resp_1", ["It", " rains"], tokens(12, 40, 0, 6, 50), audio=600), QUOTA]
    asks = [(None, 1), (append, 0), (append, 0), (last, len(spoken))]
    await play(tape, "/v1/realtime?model=gpt-realtime", Talk(spoken, greeting=[SESSION]), asks)


async def live_tool(tape):
    """Gemini Live: a setup, a question, a call of a tool in the middle."""
    answers = [[{"setupComplete": {}}], [TOOL],
               [heard("It "), heard("rains."), {"serverContent": {"generationComplete": True}},
                {"serverContent": {"turnComplete": True}, "usageMetadata": FIGURES}]]
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent" \
        "?key=AIza0123456789"
    await play(tape, path, Talk(*answers, binary=True),
               [(SETUP, 1), (TURN, 1), (DONE, 4)], compression=None)


async def live_refused(tape):
    """Gemini Live: a setup that is refused by closing."""
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    await play(tape, path, Talk([], close=(1008, "models/none is not found")), [(SETUP, 0)])


async def other_json(tape):
    """JSON of an API that is none of ours, and sound beside it."""
    answers = [[{"kind": "welcome"}], [], [{"kind": "tick", "n": 1}, {"kind": "tick", "n": 2}]]
    await play(tape, "/feed", Talk(*answers),
               [({"subscribe": "ticks"}, 1), ({"volume": 3}, 0), ({"go": 1}, 2)])


class Frames:
    """One end's frames, without its handshake."""

    def __init__(self, client, deflate):
        extension = PerMessageDeflate()
        extension._enabled = True
        kind = ConnectionType.CLIENT if client else ConnectionType.SERVER
        self.end = Connection(kind, [extension] if deflate else [])

    def text(self, value, **more):
        return self.end.send(TextMessage(data=packed(value), **more))

    def ping(self):
        return self.end.send(Ping(payload=b"still here?"))

    def close(self, code=1000):
        return self.end.send(CloseConnection(code=code))


def made_http2(tape):
    """A WebSocket on a stream of HTTP/2 (RFC 8441), compressed, beside another
    request."""
    ends = []
    for client in (True, False):
        config = h2.config.H2Configuration(client_side=client, header_encoding=None)
        ends.append(h2.connection.H2Connection(config))
    here, there = ends
    here.initiate_connection()
    there.local_settings.enable_connect_protocol = 1
    there.initiate_connection()

    def move():
        while True:
            sent, received = here.data_to_send(), there.data_to_send()
            if sent:
                tape.write(">", sent)
                there.receive_data(sent)
            if received:
                tape.write("<", received)
                here.receive_data(received)
            if not sent and not received:
                return

    move()
    here.send_headers(1, [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
        (":authority", "chatgpt.com"), (":path", "/backend-api/codex/responses"),
        ("sec-websocket-version", "13"), ("sec-websocket-extensions", "permessage-deflate"),
        ("authorization", "Bearer sk-0123456789"), ("thread-id", "thread-1")])
    move()
    there.send_headers(1, [(":status", "200"),
                           ("sec-websocket-extensions", "permessage-deflate")])
    move()
    client, server = Frames(True, True), Frames(False, True)
    for name, ask, answer in [("one", TWO[0][0], HELLO), ("two", TWO[1][0], AGAIN)]:
        here.send_data(1, client.text(ask))
        move()
        for number, value in enumerate(answer):
            data = server.text(value)
            # Frames of the two protocols begin and end where they like.
            there.send_data(1, data[:len(data) // 2])
            if number == 2 and name == "one":
                here.send_headers(3, [
                    (":method", "GET"), (":scheme", "https"), (":authority", "chatgpt.com"),
                    (":path", "/models")], end_stream=True)
                move()
                there.send_headers(3, [(":status", "200"),
                                       ("content-type", "application/json")])
                there.send_data(3, b'{"models":[]}', end_stream=True)
            there.send_data(1, data[len(data) // 2:])
            move()
    here.send_data(1, client.close())
    move()
    there.send_data(1, server.close(), end_stream=True)
    move()


def shake(tape, deflate):
    """A handshake of HTTP/1.1."""
    extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if deflate else ""
    common = f"Connection: Upgrade\r\nUpgrade: websocket\r\n{extension}"
    tape.write(">", (
        f"GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\n{common}"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Authorization: Bearer sk-0123456789\r\n\r\n").encode())
    tape.write("<", (
        f"HTTP/1.1 101 Switching Protocols\r\n{common}"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").encode())
    return Frames(True, deflate), Frames(False, deflate)


def exchange(tape, client, server, ask, answer, lost=None):
    """Of the answer's bytes, `lost` (begin, end) are lost."""
    tape.write(">", client.text(ask))
    passed = 0
    for value in answer:
        data = server.text(value)
        begin, end = lost or (0, 0)
        cut = [min(max(at - passed, 0), len(data)) for at in (begin, end)]
        passed += len(data)
        if cut[0] == cut[1]:
            tape.write("<", data)
            continue
        if cut[0]:
            tape.write("<", data[:cut[0]])
        tape.lines += [f"gap < {cut[1] - cut[0]}", ""]
        if cut[1] < len(data):
            tape.write("<", data[cut[1]:])


def made_lost_inside(tape):
    """Bytes of a delta are lost: its frame says where it ends."""
    client, server = shake(tape, False)
    size = sum(len(packed(value)) + 4 for value in HELLO[:3])
    exchange(tape, client, server, TWO[0][0], HELLO, lost=(size + 40, size + 80))
    exchange(tape, client, server, TWO[1][0], AGAIN)


def made_lost_end(tape):
    """The end of one answer is lost with the beginning of the next."""
    client, server = shake(tape, False)
    size = sum(len(packed(value)) + 4 for value in HELLO[:5])
    whole = sum(len(packed(value)) + 4 for value in HELLO)
    exchange(tape, client, server, TWO[0][0], HELLO, lost=(size, whole))
    exchange(tape, client, server, TWO[1][0], AGAIN, lost=(0, 300))


def made_lost_context(tape):
    """Bytes of a compressed message are lost: what refers to it cannot be read."""
    client, server = shake(tape, True)
    exchange(tape, client, server, TWO[0][0], HELLO, lost=(300, 320))
    exchange(tape, client, server, TWO[1][0], AGAIN)


def made_midway(tape):
    """Joined when the messages already refer to what was sent before."""
    client, server = Frames(True, True), Frames(False, True)
    client.text(TWO[0][0])
    for value in HELLO:
        server.text(value)
    tape.lines.append("midway")
    tape.write("<", server.ping())
    exchange(tape, client, server, TWO[1][0], AGAIN)
    exchange(tape, client, server, TWO[0][0], HELLO)


MADE = [made_http2, made_lost_inside, made_lost_end, made_lost_context, made_midway]

CASES = [responses_plain, responses_deflate, responses_deflate_alone, responses_fragments,
         responses_tools, responses_error, responses_lanes, responses_codex, realtime_text,
         realtime_voice, live_tool, live_refused, other_json]


async def main(wanted):
    for case in [*CASES, *MADE]:
        name = case.__name__.replace("_", "-")
        if wanted and name not in wanted:
            continue
        tape = Tape(case.__doc__)
        if case in MADE:
            case(tape)
        else:
            await asyncio.wait_for(case(tape), 30)
        (HERE / name).mkdir(exist_ok=True)
        (HERE / name / "capture.txt").write_text("\n".join([*tape.lines, "close", ""]))
        print(name)


asyncio.run(main(sys.argv[1:]))
