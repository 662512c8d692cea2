"""Google: Gemini, as JSON and over gRPC."""

import json

from . import protobuf
from .base import Dialect
from .framing import JsonArray, LengthPrefixed, ServerSentEvents

STATUS = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}


class Gemini(Dialect):
    name = "google.gemini"

    @staticmethod
    def streams(call):
        return call.words["method"] == "streamGenerateContent"

    @staticmethod
    def model(call):
        return call.words["model"]

    @staticmethod
    def framing(call):
        return ServerSentEvents() if "alt=sse" in call.query else JsonArray()

    @staticmethod
    def counts(plan):
        u = plan.usage
        return {
            "input_tokens": u["uncached"] + u["cache_read"],
            "output_tokens": u["output"] + u["reasoning"],
            "cache_read_tokens": u["cache_read"],
            "cache_write_tokens": None,
            "reasoning_tokens": u["reasoning"] if plan.thoughts else None,
        }

    @classmethod
    def wire_usage(cls, plan):
        u, counts = plan.usage, cls.counts(plan)
        return {
            "promptTokenCount": counts["input_tokens"],
            "candidatesTokenCount": u["output"],
            "totalTokenCount": counts["input_tokens"] + counts["output_tokens"],
            "cachedContentTokenCount": u["cache_read"],
            **({"thoughtsTokenCount": u["reasoning"]} if plan.thoughts else {}),
        }

    @staticmethod
    def calls(plan):
        return [
            {"functionCall": {"id": c["id"], "name": c["name"], "args": json.loads(c["arguments"])}}
            for c in plan.tool_calls
        ]

    @classmethod
    def answer(cls, plan, parts, finish, usage):
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
        return {
            "candidates": [{**candidate, **({"finishReason": "STOP"} if finish else {})}],
            "usageMetadata": usage,
            "modelVersion": plan.model + "-001",
            "responseId": "gem_" + plan.identifier,
        }

    @classmethod
    def whole(cls, plan):
        thought = [{"text": plan.reasoning, "thought": True}] if plan.thoughts else []
        return cls.answer(plan, [*thought, {"text": plan.text}, *cls.calls(plan)], True, cls.wire_usage(plan))

    @classmethod
    def stream(cls, plan, request):
        parts = [{"text": thought, "thought": True} for thought in plan.thoughts]
        parts += [{"text": piece} for piece in plan.pieces] + cls.calls(plan)
        for index, part in enumerate(parts):
            last = index + 1 == len(parts)
            # Every piece tells of the usage until then.
            usage = {**cls.wire_usage(plan), **({} if last else {"candidatesTokenCount": index})}
            yield None, cls.answer(plan, [part], last, usage)

    @staticmethod
    def error(plan, status):
        return {"error": {"code": status, "message": f"refused {plan.marker}", "status": STATUS.get(status, "UNKNOWN")}}


class GeminiOverGrpc(Gemini):
    """`google.ai.generativelanguage.v1beta.GenerativeService`."""

    @staticmethod
    def read(call):
        (message,) = LengthPrefixed.messages(call.body)
        (model,) = protobuf.all_of(message, 1)
        contents = [
            {
                "role": b"".join(protobuf.all_of(content, 2)).decode(),
                "parts": [{"text": protobuf.all_of(part, 2)[0].decode()} for part in protobuf.all_of(content, 1)],
            }
            for content in protobuf.all_of(message, 2)
        ]
        return {"model": model.decode(), "contents": contents}

    @staticmethod
    def streams(call):
        return call.words["method"] == "StreamGenerateContent"

    @staticmethod
    def model(call):
        return call.request["model"].removeprefix("models/")

    @staticmethod
    def framing(call):
        accepted = call.headers.get("grpc-accept-encoding", "")
        return LengthPrefixed(bool(call.plan.option("gzip")) and "gzip" in accepted)

    @classmethod
    def whole(cls, plan):
        return cls.message(super().whole(plan))

    @classmethod
    def stream(cls, plan, request):
        for name, answer in super().stream(plan, request):
            yield name, cls.message(answer)

    @staticmethod
    def message(answer):
        """A `GenerateContentResponse`."""
        (candidate,) = answer["candidates"]
        parts = b"".join(protobuf.data(1, protobuf.data(2, part["text"])) for part in candidate["content"]["parts"])
        content = parts + protobuf.data(2, "model")
        finish = protobuf.number(2, 1) if "finishReason" in candidate else b""
        usage = answer["usageMetadata"]
        fields = {1: "promptTokenCount", 2: "candidatesTokenCount", 3: "totalTokenCount", 4: "cachedContentTokenCount"}
        counts = b"".join(protobuf.number(field, usage[name]) for field, name in fields.items())
        return (
            protobuf.data(1, protobuf.data(1, content) + finish)
            + protobuf.data(3, counts)
            + protobuf.data(4, answer["modelVersion"])
            + protobuf.data(5, answer["responseId"])
        )
