"""Anthropic: messages."""

import json

from .base import Dialect, halves


class AnthropicMessages(Dialect):
    name = "anthropic.messages"

    @staticmethod
    def counts(plan):
        u = plan.usage
        return {
            "input_tokens": u["uncached"] + u["cache_read"] + u["cache_write"],
            "output_tokens": u["output"] + u["reasoning"],
            "cache_read_tokens": u["cache_read"],
            "cache_write_tokens": u["cache_write"],
            "reasoning_tokens": None,
        }

    @staticmethod
    def wire_usage(plan, output):
        u = plan.usage
        return {
            "input_tokens": u["uncached"],
            "cache_creation_input_tokens": u["cache_write"],
            "cache_read_input_tokens": u["cache_read"],
            "output_tokens": output,
        }

    @classmethod
    def total_output(cls, plan):
        return plan.usage["output"] + plan.usage["reasoning"]

    @classmethod
    def whole(cls, plan):
        content = []
        if plan.thoughts:
            content.append({"type": "thinking", "thinking": plan.reasoning, "signature": "c2ln"})
        content.append({"type": "text", "text": plan.text})
        content += [
            {"type": "tool_use", "id": c["id"], "name": c["name"], "input": json.loads(c["arguments"])}
            for c in plan.tool_calls
        ]
        return {
            "id": "msg_" + plan.identifier,
            "type": "message",
            "role": "assistant",
            "model": plan.model + "-20260101",
            "content": content,
            "stop_reason": "tool_use" if plan.tool_calls else "end_turn",
            "stop_sequence": None,
            "usage": cls.wire_usage(plan, cls.total_output(plan)),
        }

    @classmethod
    def stream(cls, plan, request):
        def event(kind, **fields):
            return kind, {"type": kind, **fields}

        start = {**cls.whole(plan), "content": [], "stop_reason": None, "usage": cls.wire_usage(plan, 1)}
        yield event("message_start", message=start)
        at = 0
        if plan.thoughts:
            block = {"type": "thinking", "thinking": "", "signature": ""}
            yield event("content_block_start", index=at, content_block=block)
            for thought in plan.thoughts:
                delta = {"type": "thinking_delta", "thinking": thought}
                yield event("content_block_delta", index=at, delta=delta)
            yield event("content_block_delta", index=at, delta={"type": "signature_delta", "signature": "c2ln"})
            yield event("content_block_stop", index=at)
            at += 1
        yield event("content_block_start", index=at, content_block={"type": "text", "text": ""})
        yield event("ping")
        for piece in plan.pieces:
            yield event("content_block_delta", index=at, delta={"type": "text_delta", "text": piece})
        yield event("content_block_stop", index=at)
        for call in plan.tool_calls:
            at += 1
            block = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": {}}
            yield event("content_block_start", index=at, content_block=block)
            for part in halves(call["arguments"]):
                delta = {"type": "input_json_delta", "partial_json": part}
                yield event("content_block_delta", index=at, delta=delta)
            yield event("content_block_stop", index=at)
        stop = {"stop_reason": cls.whole(plan)["stop_reason"], "stop_sequence": None}
        yield event("message_delta", delta=stop, usage={"output_tokens": cls.total_output(plan)})
        yield event("message_stop")

    @staticmethod
    def error(plan, status):
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": f"refused {plan.marker}"}}
