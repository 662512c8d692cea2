"""Ollama: chat."""

import json

from .base import Dialect
from .framing import JsonLines


class OllamaChat(Dialect):
    name = "ollama.chat"

    @staticmethod
    def streams(call):
        return call.request.get("stream", True)

    @staticmethod
    def framing(call):
        return JsonLines()

    @staticmethod
    def counts(plan):
        u = plan.usage
        return {
            "input_tokens": u["uncached"],
            "output_tokens": u["output"] + u["reasoning"],
            "cache_read_tokens": None,
            "cache_write_tokens": None,
            "reasoning_tokens": None,
        }

    @staticmethod
    def part(plan, **message):
        head = {"model": plan.model, "created_at": "2026-01-01T00:00:00.000000Z"}
        return {**head, "message": {"role": "assistant", "content": "", **message}, "done": False}

    @classmethod
    def done(cls, plan, **message):
        counts = cls.counts(plan)
        return {
            **cls.part(plan, **message),
            "done": True,
            "done_reason": "stop",
            "total_duration": 4000000,
            "load_duration": 1000000,
            "prompt_eval_count": counts["input_tokens"],
            "prompt_eval_duration": 1000000,
            "eval_count": counts["output_tokens"],
            "eval_duration": 2000000,
        }

    @staticmethod
    def calls(plan):
        return [
            {"id": c["id"], "function": {"index": i, "name": c["name"], "arguments": json.loads(c["arguments"])}}
            for i, c in enumerate(plan.tool_calls)
        ]

    @classmethod
    def whole(cls, plan):
        thought = {"thinking": plan.reasoning} if plan.thoughts else {}
        calls = {"tool_calls": cls.calls(plan)} if plan.tool_calls else {}
        return cls.done(plan, content=plan.text, **thought, **calls)

    @classmethod
    def stream(cls, plan, request):
        for thought in plan.thoughts:
            yield None, cls.part(plan, thinking=thought)
        for piece in plan.pieces:
            yield None, cls.part(plan, content=piece)
        for call in cls.calls(plan):
            yield None, cls.part(plan, tool_calls=[call])
        yield None, cls.done(plan)

    @staticmethod
    def error(plan, status):
        return {"error": f"refused {plan.marker}"}
