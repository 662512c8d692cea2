"""OpenAI: chat completions, and responses."""

from .base import Dialect, halves


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


def is_mistral(request):
    """Mistral speaks this dialect too; its last piece has the tool calls, whole,
    and the usage, unasked.
    """
    return request["model"].startswith("mistral")


class OpenAiChat(Dialect):
    name = "openai.chat"
    counts = staticmethod(openai_counts)

    @staticmethod
    def reports_usage(request):
        asked = request.get("stream_options", {}).get("include_usage")
        return not request.get("stream") or bool(asked) or is_mistral(request)

    @staticmethod
    def finish(plan):
        return "tool_calls" if plan.tool_calls else "stop"

    @staticmethod
    def call(index, call, arguments):
        function = {"name": call["name"], "arguments": arguments}
        return {"index": index, "id": call["id"], "type": "function", "function": function}

    @classmethod
    def whole(cls, plan):
        message = {"role": "assistant", "content": plan.text, "refusal": None}
        if plan.tool_calls:
            message["tool_calls"] = [
                cls.call(index, call, call["arguments"]) for index, call in enumerate(plan.tool_calls)
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
        if is_mistral(request):
            calls = [cls.call(index, call, call["arguments"]) for index, call in enumerate(plan.tool_calls)]
            delta = {"tool_calls": calls} if calls else {"content": ""}
            yield chunk(delta, cls.finish(plan), usage=chat_usage(plan))
        else:
            for index, call in enumerate(plan.tool_calls):
                yield chunk({"tool_calls": [cls.call(index, call, "")]})
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


class OpenAiResponses(Dialect):
    name = "openai.responses"
    counts = staticmethod(openai_counts)

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
