#!/usr/bin/env python3
"""Makes the captures of this directory whose bodies are no text.

    ./make.py [CASE...]

Event streams of AWS and messages of Connect are written here from their
specifications, with nothing but the standard library, so that they say nothing
of how llmtop reads them; for zstd they need `zstandard`. A case is a function; its docstring is the comment.
"""

import base64
import gzip
import json
import pathlib
import struct
import sys
import zlib

HERE = pathlib.Path(__file__).parent


class Tape:
    def __init__(self, about):
        lines = [line.strip() for line in about.strip().splitlines()]
        self.lines = [f"# {line}" for line in lines]

    def write(self, mark, data):
        """A chunk of its own."""
        try:
            text = data.decode("ascii")
            lines = text.replace("\\", "\\\\").replace("\r", "\\r").replace("\t", "\\t")
            self.lines += [f"{mark} {line}\\n" for line in lines.split("\n")[:-1]]
            if last := lines.split("\n")[-1]:
                self.lines.append(f"{mark} {last}")
        except UnicodeDecodeError:
            self.lines.append(f"{mark}base64 {base64.b64encode(data).decode()}")
        self.lines.append("")

    def ask(self, path, body, host, content_type="application/json", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body, separators=(",", ":")).encode()
        fields = {"Host": host, "Content-Type": content_type, **headers,
                  "Content-Length": len(body)}
        self.write(">", head(f"POST {path} HTTP/1.1", fields) + body)

    def answer(self, content_type, pieces, status="200 OK", **headers):
        fields = {"Content-Type": content_type, **headers, "Transfer-Encoding": "chunked"}
        self.write("<", head(f"HTTP/1.1 {status}", fields))
        for piece in pieces:
            self.write("<", chunk(piece))
        self.write("<", b"0\r\n\r\n")

    def answer_whole(self, content_type, body, status="200 OK", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body, separators=(",", ":")).encode()
        fields = {"Content-Type": content_type, **headers, "Content-Length": len(body)}
        self.write("<", head(f"HTTP/1.1 {status}", fields) + body)


def head(start, fields):
    lines = [start, *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


# AWS event stream: Smithy, "Event stream specification".

def message(payload, **headers):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload, separators=(",", ":")).encode()
    fields = b""
    for name, value in headers.items():
        name, value = f":{name.replace('_', '-')}".encode(), value.encode()
        fields += bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
    prelude = struct.pack(">II", len(fields) + len(payload) + 16, len(fields))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    whole = prelude + fields + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(name, payload):
    return message(payload, event_type=name, content_type="application/json",
                   message_type="event")


def exception(name, text):
    return message({"message": text}, exception_type=name, content_type="application/json",
                   message_type="exception")


def wrapped(inner):
    """A model's own event, as InvokeModelWithResponseStream sends it."""
    inner = json.dumps(inner, separators=(",", ":")).encode()
    return event("chunk", {"bytes": base64.b64encode(inner).decode(), "p": "abcd"})


EVENTS = "application/vnd.amazon.eventstream"
BEDROCK = "bedrock-runtime.us-east-1.amazonaws.com"
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, Signature=0"}
NOVA = "/model/us.amazon.nova-lite-v1%3A0"
CLAUDE = "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0"


def question(text="Say hello"):
    return {"messages": [{"role": "user", "content": [{"text": text}]}],
            "inferenceConfig": {"maxTokens": 64}}


USAGE = {"inputTokens": 12, "outputTokens": 3, "totalTokens": 115,
         "cacheReadInputTokens": 100, "cacheWriteInputTokens": 0}

CONVERSE = [
    event("messageStart", {"role": "assistant", "p": "ab"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}, "p": "abc"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " there"}}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "!"}, "p": "a"}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    event("messageStop", {"stopReason": "end_turn"}),
    event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 350}}),
]


def bedrock_converse_stream(tape):
    """Bedrock, ConverseStream: an event stream."""
    tape.ask(f"{NOVA}/converse-stream", question(), BEDROCK, **SIGNED)
    tape.answer(EVENTS, CONVERSE, x_amzn_RequestId="0-1")


def bedrock_converse_tools(tape):
    """Bedrock, ConverseStream: reasoning, and a tool called, in chunks that are
    cut where messages are not; then, on the same connection, the plain API."""
    tape.ask(f"{CLAUDE}/converse-stream", question("Weather in Oslo?"), BEDROCK, **SIGNED)
    delta = lambda index, delta: event("contentBlockDelta",
                                       {"contentBlockIndex": index, "delta": delta})
    stream = b"".join([
        event("messageStart", {"role": "assistant"}),
        delta(0, {"reasoningContent": {"text": "Look it up."}}),
        delta(0, {"reasoningContent": {"signature": "c2ln"}}),
        event("contentBlockStop", {"contentBlockIndex": 0}),
        event("contentBlockStart", {"contentBlockIndex": 1, "start": {
            "toolUse": {"toolUseId": "tooluse_1", "name": "weather"}}}),
        delta(1, {"toolUse": {"input": '{"city":'}}),
        delta(1, {"toolUse": {"input": '"Oslo"}'}}),
        event("contentBlockStop", {"contentBlockIndex": 1}),
        event("messageStop", {"stopReason": "tool_use"}),
        event("metadata", {"usage": {"inputTokens": 40, "outputTokens": 20, "totalTokens": 60},
                           "metrics": {"latencyMs": 900}}),
    ])
    tape.answer(EVENTS, [stream[at:at + 300] for at in range(0, len(stream), 300)])
    tape.ask(f"{CLAUDE}/converse", question(), BEDROCK, **SIGNED)
    tape.answer_whole("application/json", {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello there!"}]}},
        "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 350}})


def bedrock_converse_errors(tape):
    """Bedrock: refused before it began, and failed in the middle of a stream."""
    tape.ask(f"{NOVA}/converse-stream", question(), BEDROCK, **SIGNED)
    tape.answer_whole("application/json", {"message": "Too many requests"},
                      "429 Too Many Requests",
                      x_amzn_ErrorType="ThrottlingException:http://internal.amazon.com/coral/")
    tape.ask(f"{NOVA}/converse-stream", question(), BEDROCK, **SIGNED)
    tape.answer(EVENTS, [*CONVERSE[:3], exception("modelStreamErrorException", "It broke.")])


def bedrock_invoke_claude(tape):
    """Bedrock, InvokeModelWithResponseStream: Anthropic's own events, wrapped."""
    tape.ask(f"{CLAUDE}/invoke-with-response-stream",
             {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64,
              "messages": [{"role": "user", "content": "Hi"}]}, BEDROCK, **SIGNED)
    tape.answer(EVENTS, [wrapped(value) for value in [
        {"type": "message_start", "message": {
            "id": "msg_bdrk_1", "type": "message", "role": "assistant", "content": [],
            "model": "claude-sonnet-4-20250514",
            "usage": {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 50}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "!"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
         "usage": {"output_tokens": 5}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": {
            "inputTokenCount": 9, "outputTokenCount": 5, "invocationLatency": 400,
            "firstByteLatency": 200, "cacheReadInputTokenCount": 50}},
    ]])


def bedrock_invoke_others(tape):
    """Bedrock, InvokeModel: Llama as a stream, Titan, and Mistral, whose figures
    only the head of the answer tells."""
    tape.ask("/model/meta.llama3-8b-instruct-v1%3A0/invoke-with-response-stream",
             {"prompt": "Say hi", "max_gen_len": 16}, BEDROCK, **SIGNED)
    tape.answer(EVENTS, [wrapped(value) for value in [
        {"generation": "Hi", "prompt_token_count": 5, "generation_token_count": 1,
         "stop_reason": None},
        {"generation": " you", "prompt_token_count": None, "generation_token_count": 2,
         "stop_reason": None},
        {"generation": "", "prompt_token_count": None, "generation_token_count": 3,
         "stop_reason": "stop", "amazon-bedrock-invocationMetrics": {
             "inputTokenCount": 5, "outputTokenCount": 3, "invocationLatency": 200,
             "firstByteLatency": 100}},
    ]])
    tape.ask("/model/amazon.titan-text-lite-v1/invoke", {"inputText": "Say hi"}, BEDROCK)
    tape.answer_whole("application/json", {"inputTextTokenCount": 4, "results": [
        {"tokenCount": 2, "outputText": "Hi.", "completionReason": "FINISH"}]})
    tape.ask("/model/mistral.mistral-7b-instruct-v0%3A2/invoke", {"prompt": "Say hi"}, BEDROCK)
    tape.answer_whole("application/json", {"outputs": [
        {"text": "Hi.", "stop_reason": "stop"}]},
        X_Amzn_Bedrock_Input_Token_Count=7, X_Amzn_Bedrock_Output_Token_Count=2,
        X_Amzn_Bedrock_Invocation_Latency=120)


def event_stream_damaged(tape):
    """A byte of one message is not as it was sent, one message lacks two, and
    nobody said so; the rest is found by its checksums."""
    tape.ask(f"{NOVA}/converse-stream", question(), BEDROCK, **SIGNED)
    events = list(CONVERSE)
    events[1] = events[1].replace(b"Hello", b"Jello")
    events[3] = events[3][:20] + events[3][22:]
    tape.answer(EVENTS, events)


def event_stream_gap(tape):
    """Bytes of an event stream were lost, with the end of one message and the
    beginning of the next."""
    tape.ask(f"{NOVA}/converse-stream", question(), BEDROCK, **SIGNED)
    body = b"".join(CONVERSE)
    at, lost = len(CONVERSE[0]) + len(CONVERSE[1]) - 30, 60
    tape.write("<", head("HTTP/1.1 200 OK", {"Content-Type": EVENTS,
                                             "Content-Length": len(body)}) + body[:at])
    tape.lines += [f"gap < {lost}", ""]
    tape.write("<", body[at + lost:])


def event_stream_of_others(tape):
    """An event stream that no dialect knows, with an error that is no exception."""
    tape.ask("/generateAssistantResponse", {"conversationState": {"chatTriggerType": "MANUAL"}},
             "q.us-east-1.amazonaws.com")
    tape.answer(EVENTS, [
        event("assistantResponseEvent", {"content": "Hello"}),
        message(b"plain text", event_type="note", content_type="text/plain",
                message_type="event"),
        message(b"\xff\xfe", event_type="bytes", message_type="event"),
        message(b"", error_code="InternalError", error_message="It broke.",
                message_type="error"),
    ])


# Connect: connectrpc.com, "Protocol reference".

def enveloped(data, flags=0):
    return bytes([flags]) + struct.pack(">I", len(data)) + data


def varint(number):
    out = b""
    while number > 0x7f:
        out, number = out + bytes([number & 0x7f | 0x80]), number >> 7
    return out + bytes([number])


def proto(*fields):
    """A message: pairs of a number and an int, a text, bytes, or a message."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def connect_stream(tape):
    """Connect, both ways in streams: of Protocol Buffers, some compressed, ended
    by an error; then of JSON, ended by trailers."""
    said = [proto((1, "hello"), (2, 7), (3, proto((1, "deep"), (2, b"\xff\x00")))),
            proto((1, "once"), (1, "and again"))]
    tape.ask("/acme.v1.ChatService/Chat",
             enveloped(said[0]) + enveloped(gzip.compress(said[1], mtime=0), 1), "api.example.com",
             "application/connect+proto", Connect_Protocol_Version=1,
             Connect_Content_Encoding="gzip")
    tape.answer("application/connect+proto", [
        enveloped(said[1]), enveloped(gzip.compress(said[0], mtime=0), 1),
        enveloped(b'{"error":{"code":"resource_exhausted","message":"out of quota"}}', 2),
    ], Connect_Content_Encoding="gzip")
    tape.ask("/acme.v1.ChatService/Chat", enveloped(b'{"text":"hello"}'), "api.example.com",
             "application/connect+json", Connect_Protocol_Version=1)
    tape.answer("application/connect+json", [
        enveloped(b'{"text":"hi"}'), enveloped(b'{"metadata":{"x-cost":["7"]}}', 2)])


def connect_unary(tape):
    """Connect without streams: a message alone; then an error, which is JSON."""
    tape.ask("/acme.v1.ChatService/Ask", proto((1, "how?"), (5, 1)), "api.example.com",
             "application/proto", Connect_Protocol_Version=1)
    tape.answer_whole("application/proto", proto((1, proto((2, "so"), (3, 2 ** 40)))))
    tape.ask("/acme.v1.ChatService/Ask", proto((1, "how?")), "api.example.com",
             "application/proto", Connect_Protocol_Version=1)
    tape.answer_whole("application/json", {"code": "unauthenticated", "message": "who?"},
                      "401 Unauthorized")


def grpc_web(tape):
    """gRPC-Web: a message, and trailers in the body."""
    tape.ask("/acme.v1.ChatService/Ask", enveloped(proto((1, "how?"))), "api.example.com",
             "application/grpc-web+proto", X_Grpc_Web=1)
    tape.answer("application/grpc-web+proto", [
        enveloped(proto((1, "so"))),
        enveloped(b"grpc-status: 5\r\ngrpc-message: not%20there\r\n", 0x80)])


def messages_that_are_none(tape):
    """What calls itself gRPC may be a page of a proxy's, and what begins well may
    go on badly."""
    tape.ask("/acme.v1.ChatService/Ask", enveloped(proto((1, "how?"))), "api.example.com",
             "application/grpc")
    tape.answer_whole("application/grpc", b"<html>502</html>", "502 Bad Gateway")
    tape.ask("/acme.v1.ChatService/Ask", enveloped(b"\x0a\x7fshort"), "api.example.com",
             "application/grpc")
    tape.answer("application/grpc", [
        enveloped(proto((1, "so"))), enveloped(b"\x1f\x8b broken", 1), b"\xffgarbage"],
        Grpc_Encoding="gzip")


def cursor_chat(tape):
    """Cursor: a question to a model, its thinking and its answer."""
    turns = [(1, proto((1, "Say hello, please"), (2, 1), (13, "b7b9c6a0-0000-4000-8000-1"))),
             (1, proto((1, "Hello."), (2, 2))), (1, proto((1, "Again"), (2, 1)))]
    request = proto((1, proto(*turns, (5, proto((1, "claude-4.5-sonnet"), (3, 0))),
                              (23, "0cb0a2f0-0000-4000-8000-2"))))
    tape.ask("/aiserver.v1.ChatService/StreamUnifiedChatWithTools", enveloped(request),
             "api2.cursor.sh", "application/connect+proto", Connect_Protocol_Version=1,
             X_Cursor_Client_Version="2.3.0")
    thinking = proto((2, proto((25, proto((1, "Greet."))))))
    texts = [proto((2, proto((1, text), (22, "3f0e")))) for text in ["Hello", " again", "!"]]
    packed = gzip.compress(texts[1], mtime=0)
    tape.answer("application/connect+proto", [
        enveloped(thinking), enveloped(texts[0]), enveloped(packed, 1), enveloped(texts[2]),
        enveloped(b"{}", 2)], Connect_Content_Encoding="gzip")


def cursor_agent(tape):
    """Cursor's agent: deltas among heartbeats, and an error at the end."""
    request = proto((1, proto((1, "c0ffee"), (2, proto((1, "Fix the bug in main.rs"))),
                              (3, proto((1, "gpt-5-codex"))))))
    tape.ask("/agent.v1.AgentService/Run", enveloped(request), "agent.api5.cursor.sh",
             "application/connect+proto", Connect_Protocol_Version=1)
    update = lambda *fields: enveloped(proto((1, proto(*fields))))
    tape.answer("application/connect+proto", [
        update((13, b"")), update((4, proto((1, "Read it first.")))),
        update((8, proto((1, 3)))), update((1, proto((1, "I will")))),
        update((1, proto((1, " read it.")))), enveloped(proto((2, proto((1, 1), (2, "ls -la"))))),
        enveloped(b'{"error":{"code":"unavailable","message":"try later"}}', 2)])


# JSON arrays.

def candidate(text, finish=None, **more):
    first = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        first["finishReason"] = finish
    return {"candidates": [first], "modelVersion": "gemini-2.5-flash", "responseId": "r1", **more}


def in_array(values):
    """The pieces in which Google's servers send an array."""
    texts = [json.dumps(value, indent=2) for value in values]
    return [f"[{texts[0]}".encode(), *(f"\n,\r\n{text}".encode() for text in texts[1:]), b"\n]\n"]


GEMINI = "generativelanguage.googleapis.com"
FLASH = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Say hello"}]}]}


def gemini_array(tape):
    """Gemini, streamed as one JSON array, in chunks that are cut where elements
    are not, inside an escape too."""
    tape.ask(FLASH, CONTENTS, GEMINI, x_goog_api_key="AIzaEXAMPLE")
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 20,
             "thoughtsTokenCount": 6, "cachedContentTokenCount": 2}
    body = b"".join(in_array([
        candidate('Hello "you'), candidate('"\\ [there]}'),
        candidate("!", "STOP", usageMetadata=usage)]))
    at = body.index(b'\\"you') + 1
    tape.answer("application/json; charset=UTF-8", [body[:at], body[at:at + 250], body[at + 250:]])


def gemini_array_error(tape):
    """Gemini, streamed as an array: refused, with the error in an array; and
    failed in the middle."""
    error = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}
    tape.ask(FLASH, CONTENTS, GEMINI, x_goog_api_key="AIzaEXAMPLE")
    tape.answer("application/json; charset=UTF-8", in_array([error]), "429 Too Many Requests")
    tape.ask(FLASH, CONTENTS, GEMINI, x_goog_api_key="AIzaEXAMPLE")
    tape.answer("application/json; charset=UTF-8", in_array([candidate("Hel"), error]))


def array_that_is_no_stream(tape):
    """A JSON array like any other, and one that tells nothing either where its
    request was not seen."""
    tape.write("<", head("HTTP/1.1 200 OK", {"Content-Type": "application/json",
                                             "Content-Length": 17}) + b'[{"a":1},{"a":2}]')
    tape.write(">", head("GET /users HTTP/1.1", {"Host": "api.example.com"}))
    tape.answer("application/json", [b'[{"name":"a"},', b'{"name":"b"}]'])


# Zstandard (RFC 8878).

def packer(level=3):
    import zstandard

    return zstandard.ZstdCompressor(level=level).compressobj(), zstandard.COMPRESSOBJ_FLUSH_BLOCK


def packed(pieces):
    """Each of them decodable once it has arrived."""
    coder, flush = packer()
    return [coder.compress(piece) + coder.flush(flush) for piece in pieces] + [coder.flush()]


def sse(*events):
    return [f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()
            for event in events]


def response(status, **more):
    return {"id": "resp_1", "object": "response", "status": status, "model": "gpt-5-codex",
            "output": [], **more}


MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant",
           "content": [{"type": "output_text", "text": "Hello there!"}]}
ANSWER = [
    {"type": "response.created", "response": response("in_progress")},
    {"type": "codex.rate_limits", "plan_type": "plus",
     "rate_limits": {"primary": {"used_percent": 13, "window_minutes": 300,
                                 "reset_at": 1790000000}},
     "credits": {"has_credits": True, "unlimited": False, "balance": "5.39"}},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hello"},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": " there!"},
    {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
    {"type": "response.completed", "response": response("completed", usage={
        "input_tokens": 40, "input_tokens_details": {"cached_tokens": 32}, "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 44})},
]


def codex(tape):
    """Codex with a ChatGPT account: the request is compressed with zstd, headers and
    an event tell of the plan. Then it is refused until a date."""
    asked = {"model": "gpt-5-codex", "instructions": "You are Codex.", "stream": True, "store": False,
             "input": [{"type": "message", "role": "user",
                        "content": [{"type": "input_text", "text": "Say hello"}]}]}
    body = b"".join(packed([json.dumps(asked, separators=(",", ":")).encode()]))
    fields = {"Content_Encoding": "zstd", "Authorization": "Bearer sk-0123456789",
              "Originator": "codex_exec"}
    tape.ask("/backend-api/codex/responses", body, "chatgpt.com", **fields)
    tape.answer("text/event-stream", sse(*ANSWER), x_codex_primary_used_percent="12.5",
                x_codex_primary_window_minutes="300", x_codex_primary_reset_at="1790000000",
                x_codex_secondary_used_percent="40", x_codex_credits_has_credits="true",
                x_codex_credits_unlimited="false", x_codex_credits_balance="5.40")
    tape.ask("/backend-api/codex/responses", body, "chatgpt.com", **fields)
    tape.answer_whole("application/json", {"error": {
        "type": "usage_limit_reached", "message": "The usage limit has been reached"}},
        "429 Too Many Requests", Date="Wed, 21 Oct 2026 07:27:30 GMT",
        Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")


def sse_zstd(tape):
    """Zstandard, flushed after each event."""
    tape.ask("/v1/responses", {"model": "gpt-5-codex", "input": "Say hello", "stream": True},
             "api.openai.com")
    tape.answer("text/event-stream", packed(sse(*ANSWER)), Content_Encoding="zstd")


def sse_zstd_padded(tape):
    """Zstandard in two frames, a byte that belongs to none, and another frame, which
    does not count any more."""
    tape.ask("/v1/responses", {"model": "gpt-5-codex", "input": "Say hello", "stream": True},
             "api.openai.com")
    first, *others = sse(*ANSWER)
    frames = [*packed([first]), *packed(others), b"\xc8", *packed([first])]
    tape.answer("text/event-stream", frames, Content_Encoding="zstd")


CASES = [codex, sse_zstd, sse_zstd_padded, bedrock_converse_stream, bedrock_converse_tools, bedrock_converse_errors,
         bedrock_invoke_claude, bedrock_invoke_others, event_stream_damaged, event_stream_gap,
         event_stream_of_others, connect_stream, connect_unary, grpc_web,
         messages_that_are_none, cursor_chat, cursor_agent, gemini_array, gemini_array_error,
         array_that_is_no_stream]


def main(wanted):
    for case in CASES:
        name = case.__name__.replace("_", "-")
        if wanted and name not in wanted:
            continue
        tape = Tape(case.__doc__)
        if case is array_that_is_no_stream:
            tape.lines.append("midway")
        case(tape)
        (HERE / name).mkdir(exist_ok=True)
        (HERE / name / "capture.txt").write_text("\n".join([*tape.lines, "close", ""]))


if __name__ == "__main__":
    main(sys.argv[1:])
