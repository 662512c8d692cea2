"""Cohere: chat, version 2."""

from .base import Dialect, halves


class Cohere(Dialect):
    name = "cohere.chat"

    @staticmethod
    def counts(plan):
        u = plan.usage
        return {
            "input_tokens": u["uncached"] + u["cache_read"],
            "output_tokens": u["output"] + u["reasoning"],
            "cache_read_tokens": u["cache_read"],
            "cache_write_tokens": None,
            "reasoning_tokens": None,
        }

    @classmethod
    def wire_usage(cls, plan):
        counts = cls.counts(plan)
        return {
            "billed_units": {"input_tokens": plan.usage["uncached"], "output_tokens": counts["output_tokens"]},
            "tokens": {"input_tokens": counts["input_tokens"], "output_tokens": counts["output_tokens"]},
            "cached_tokens": plan.usage["cache_read"],
        }

    @staticmethod
    def call(call, arguments):
        return {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": arguments}}

    @staticmethod
    def finish(plan):
        return "TOOL_CALL" if plan.tool_calls else "COMPLETE"

    @classmethod
    def whole(cls, plan):
        thought = [{"type": "thinking", "thinking": plan.reasoning}] if plan.thoughts else []
        message = {"role": "assistant", "content": [*thought, {"type": "text", "text": plan.text}]}
        if plan.tool_calls:
            message["tool_calls"] = [cls.call(call, call["arguments"]) for call in plan.tool_calls]
        return {
            "id": "coh_" + plan.identifier,
            "message": message,
            "finish_reason": cls.finish(plan),
            "usage": cls.wire_usage(plan),
        }

    @classmethod
    def stream(cls, plan, request):
        def event(kind, **fields):
            return kind, {"type": kind, **fields}

        def message(**fields):
            return {"message": fields}

        start = message(role="assistant", content=[], tool_plan="", tool_calls=[], citations=[])
        yield event("message-start", id="coh_" + plan.identifier, delta=start)
        contents = [("thinking", plan.thoughts)] if plan.thoughts else []
        for index, (kind, pieces) in enumerate([*contents, ("text", plan.pieces)]):
            yield event("content-start", index=index, delta=message(content={"type": kind, kind: ""}))
            for piece in pieces:
                yield event("content-delta", index=index, delta=message(content={kind: piece}))
            yield event("content-end", index=index)
        for index, call in enumerate(plan.tool_calls):
            yield event("tool-call-start", index=index, delta=message(tool_calls=cls.call(call, "")))
            for part in halves(call["arguments"]):
                delta = message(tool_calls={"function": {"arguments": part}})
                yield event("tool-call-delta", index=index, delta=delta)
            yield event("tool-call-end", index=index)
        end = {"finish_reason": cls.finish(plan), "usage": cls.wire_usage(plan)}
        yield event("message-end", id="coh_" + plan.identifier, delta=end)

    @staticmethod
    def error(plan, status):
        return {"id": "coh_" + plan.identifier, "message": f"refused {plan.marker}"}
