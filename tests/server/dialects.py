"""The three API shapes. Each is (whole answer, stream of events, error, usage
as llmtop reports it).

An event is `(name or None, object or literal string)`.
"""

import json


def chat_usage(plan):
    u = plan.usage
    return {
        "prompt_tokens": u["uncached"] + u["cache_read"],
        "completion_tokens": u["output"] + u["reasoning"],
        "total_tokens": u["uncached"] + u["cache_read"] + u["output"] + u["reasoning"],
        "prompt_tokens_details": {"cached_tokens": u["cache_read"]},
        "completion_tokens_details": {"reasoning_tokens": u["reasoning"]},
    }


def openai_counts(plan):
    u = plan.usage
    return {
        "input_tokens": u["uncached"] + u["cache_read"],
        "output_tokens": u["output"] + u["reasoning"],
        "cache_read_tokens": u["cache_read"],
        "cache_write_tokens": None,
        "reasoning_tokens": u["reasoning"],
    }


class OpenAiChat:
    name = "openai.chat"
    counts = staticmethod(openai_counts)

    @staticmethod
    def reports_usage(request):
        return not request.get("stream") or bool(request.get("stream_options", {}).get("include_usage"))

    @staticmethod
    def finish(plan):
        return "tool_calls" if plan.tool_calls else "stop"

    @classmethod
    def whole(cls, plan):
        message = {"role": "assistant", "content": plan.text, "refusal": None}
        if plan.tool_calls:
            message["tool_calls"] = [
                {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
                for c in plan.tool_calls
            ]
        return {
            "id": "chatcmpl-" + plan.identifier,
            "object": "chat.completion",
            "created": 1767225600,
            "model": plan.model + "-2026-01-01",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": cls.finish(plan)}],
            "usage": chat_usage(plan),
        }

    @classmethod
    def stream(cls, plan, request):
        def chunk(delta, finish=None, **more):
            return None, {
                "id": "chatcmpl-" + plan.identifier,
                "object": "chat.completion.chunk",
                "created": 1767225600,
                "model": plan.model + "-2026-01-01",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
                **more,
            }

        yield chunk({"role": "assistant", "content": ""})
        for piece in plan.pieces:
            yield chunk({"content": piece})
        for index, call in enumerate(plan.tool_calls):
            yield chunk(
                {
                    "tool_calls": [
                        {
                            "index": index,
                            "id": call["id"],
                            "type": "function",
                            "function": {"name": call["name"], "arguments": ""},
                        }
                    ]
                }
            )
            for part in halves(call["arguments"]):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
        yield chunk({}, cls.finish(plan))
        if cls.reports_usage(request):
            name, event = chunk({})
            yield name, {**event, "choices": [], "usage": chat_usage(plan)}
        yield None, "[DONE]"

    @staticmethod
    def error(plan, status):
        kind = {401: "invalid_request_error", 429: "rate_limit_error"}.get(status, "server_error")
        return {"error": {"message": f"refused {plan.marker}", "type": kind, "param": None, "code": f"e{status}"}}


class OpenAiResponses:
    name = "openai.responses"
    counts = staticmethod(openai_counts)

    @staticmethod
    def reports_usage(request):
        return True

    @classmethod
    def whole(cls, plan, status="completed"):
        u = plan.usage
        output = []
        if plan.thoughts:
            summary = [{"type": "summary_text", "text": plan.reasoning}]
            output.append({"id": "rs_" + plan.identifier, "type": "reasoning", "summary": summary})
        output.append(cls.message(plan))
        output += [cls.call(plan, i, c) for i, c in enumerate(plan.tool_calls)]
        return {
            "id": "resp_" + plan.identifier,
            "object": "response",
            "created_at": 1767225600,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "model": plan.model + "-2026-01-01",
            "output": output if status == "completed" else [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": u["uncached"] + u["cache_read"],
                "input_tokens_details": {"cached_tokens": u["cache_read"]},
                "output_tokens": u["output"] + u["reasoning"],
                "output_tokens_details": {"reasoning_tokens": u["reasoning"]},
                "total_tokens": u["uncached"] + u["cache_read"] + u["output"] + u["reasoning"],
            }
            if status == "completed"
            else None,
        }

    @staticmethod
    def message(plan, status="completed"):
        content = [{"type": "output_text", "text": plan.text, "annotations": []}] if status == "completed" else []
        return {
            "id": "msg_" + plan.identifier,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }

    @staticmethod
    def call(plan, index, call, status="completed"):
        return {
            "id": f"fc_{plan.identifier}_{index}",
            "type": "function_call",
            "status": status,
            "call_id": call["id"],
            "name": call["name"],
            "arguments": call["arguments"] if status == "completed" else "",
        }

    @classmethod
    def stream(cls, plan, request):
        sequence = -1

        def event(kind, **fields):
            nonlocal sequence
            sequence += 1
            return kind, {"type": kind, "sequence_number": sequence, **fields}

        yield event("response.created", response=cls.whole(plan, "in_progress"))
        yield event("response.in_progress", response=cls.whole(plan, "in_progress"))
        at = 0
        if plan.thoughts:
            where = {"item_id": "rs_" + plan.identifier, "output_index": at, "summary_index": 0}
            item = {"id": where["item_id"], "type": "reasoning", "summary": []}
            part = {"type": "summary_text", "text": plan.reasoning}
            yield event("response.output_item.added", output_index=at, item=item)
            yield event("response.reasoning_summary_part.added", **where, part={**part, "text": ""})
            for thought in plan.thoughts:
                yield event("response.reasoning_summary_text.delta", **where, delta=thought)
            yield event("response.reasoning_summary_text.done", **where, text=plan.reasoning)
            yield event("response.reasoning_summary_part.done", **where, part=part)
            yield event("response.output_item.done", output_index=at, item={**item, "summary": [part]})
            at += 1
        where = {"item_id": "msg_" + plan.identifier, "output_index": at, "content_index": 0}
        part = {"type": "output_text", "text": plan.text, "annotations": []}
        yield event("response.output_item.added", output_index=at, item=cls.message(plan, "in_progress"))
        yield event("response.content_part.added", **where, part={**part, "text": ""})
        for piece in plan.pieces:
            yield event("response.output_text.delta", **where, delta=piece, logprobs=[])
        yield event("response.output_text.done", **where, text=plan.text, logprobs=[])
        yield event("response.content_part.done", **where, part=part)
        yield event("response.output_item.done", output_index=at, item=cls.message(plan))
        for index, call in enumerate(plan.tool_calls):
            at += 1
            where = {"item_id": f"fc_{plan.identifier}_{index}", "output_index": at}
            item = cls.call(plan, index, call, "in_progress")
            yield event("response.output_item.added", output_index=at, item=item)
            for delta in halves(call["arguments"]):
                yield event("response.function_call_arguments.delta", **where, delta=delta)
            yield event("response.function_call_arguments.done", **where, arguments=call["arguments"])
            yield event("response.output_item.done", output_index=at, item=cls.call(plan, index, call))
        yield event("response.completed", response=cls.whole(plan))

    error = OpenAiChat.error


class AnthropicMessages:
    name = "anthropic.messages"

    @staticmethod
    def reports_usage(request):
        return True

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


def halves(text):
    """Two parts, the cut inside of a JSON string where there is one."""
    middle = len(text) // 2
    return [text[:middle], text[middle:]]


PATHS = {
    "/v1/chat/completions": OpenAiChat,
    "/v1/responses": OpenAiResponses,
    "/v1/messages": AnthropicMessages,
}
