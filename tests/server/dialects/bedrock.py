"""Amazon Bedrock: converse, and a model's own shape invoked there."""

import json

from .anthropic import AnthropicMessages
from .base import Dialect, halves
from .framing import AwsChunks, AwsEventStream

ERRORS = {401: "AccessDeniedException", 429: "ThrottlingException"}


class Converse(Dialect):
    name = "bedrock.converse"

    @staticmethod
    def streams(call):
        return call.words["method"] == "converse-stream"

    @staticmethod
    def model(call):
        return call.words["model"]

    @staticmethod
    def framing(call):
        return AwsEventStream()

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

    @classmethod
    def wire_usage(cls, plan):
        u, counts = plan.usage, cls.counts(plan)
        return {
            "inputTokens": u["uncached"],
            "outputTokens": counts["output_tokens"],
            "totalTokens": counts["input_tokens"] + counts["output_tokens"],
            "cacheReadInputTokens": u["cache_read"],
            "cacheWriteInputTokens": u["cache_write"],
        }

    @staticmethod
    def finish(plan):
        return "tool_use" if plan.tool_calls else "end_turn"

    @classmethod
    def whole(cls, plan):
        content = [{"text": plan.text}]
        if plan.thoughts:
            content.insert(0, {"reasoningContent": {"reasoningText": {"text": plan.reasoning, "signature": "c2ln"}}})
        content += [
            {"toolUse": {"toolUseId": c["id"], "name": c["name"], "input": json.loads(c["arguments"])}}
            for c in plan.tool_calls
        ]
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": cls.finish(plan),
            "usage": cls.wire_usage(plan),
            "metrics": {"latencyMs": 12},
        }

    @classmethod
    def stream(cls, plan, request):
        def delta(index, **fields):
            return "contentBlockDelta", {"contentBlockIndex": index, "delta": fields}

        yield "messageStart", {"role": "assistant"}
        at = 0
        if plan.thoughts:
            for thought in plan.thoughts:
                yield delta(at, reasoningContent={"text": thought})
            yield delta(at, reasoningContent={"signature": "c2ln"})
            yield "contentBlockStop", {"contentBlockIndex": at}
            at += 1
        for piece in plan.pieces:
            yield delta(at, text=piece)
        yield "contentBlockStop", {"contentBlockIndex": at}
        for call in plan.tool_calls:
            at += 1
            start = {"toolUse": {"toolUseId": call["id"], "name": call["name"]}}
            yield "contentBlockStart", {"contentBlockIndex": at, "start": start}
            for part in halves(call["arguments"]):
                yield delta(at, toolUse={"input": part})
            yield "contentBlockStop", {"contentBlockIndex": at}
        yield "messageStop", {"stopReason": cls.finish(plan)}
        yield "metadata", {"usage": cls.wire_usage(plan), "metrics": {"latencyMs": 12}}

    @staticmethod
    def error(plan, status):
        return {"message": f"refused {plan.marker}"}

    @staticmethod
    def error_fields(status):
        return {"x_amzn_ErrorType": ERRORS.get(status, "InternalServerException")}


class InvokeAnthropic(AnthropicMessages):
    """Anthropic's shape without model and `stream`, which the path tells."""

    streams = staticmethod(lambda call: call.words["method"] == "invoke-with-response-stream")
    model = staticmethod(Converse.model)
    framing = staticmethod(lambda call: AwsChunks())
    error = staticmethod(Converse.error)
    error_fields = staticmethod(Converse.error_fields)
