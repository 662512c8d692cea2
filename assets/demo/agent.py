"""A small coding agent with the Anthropic SDK, and one that it starts."""

import time

import anthropic

SYSTEM = "You are a coding agent. Work in small steps, and run the tests."
SESSION = {"x-claude-code-session-id": "9d1c2b7e-demo"}


def tool(name, about, **properties):
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"name": name, "description": about, "input_schema": schema}


TOOLS = [
    tool("run_tests", "Runs tests", filter="string", times="integer"),
    tool("read_file", "Reads a file", path="string"),
    tool("edit_file", "Replaces text in a file", path="string", old="string", new="string"),
    tool("task", "Starts an agent for a question", description="string", prompt="string"),
]
FETCH = [tool("fetch", "Fetches a page", url="string")]
SOURCE = '''"""Calls again what failed."""
import time

def retry_backoff(call, delay=0.05, attempts=5):
    for attempt in range(attempts):
        try:
            return call()
        except TransientError:
            deadline = time.time() + delay
            while time.time() < deadline:
                poll(deadline - time.time())
            delay *= 2
    raise GaveUp(attempts)
'''
client = anthropic.Anthropic(api_key="demo")


def work(model, tools, question, headers):
    """Asks until no tool is called; the last answer."""
    messages = [{"role": "user", "content": question}]
    while True:
        with client.messages.stream(model=model, max_tokens=4000, system=SYSTEM, tools=tools, messages=messages, extra_headers=headers) as stream:
            reply = stream.get_final_message()
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]})
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": result(call)} for call in calls]
        messages.append({"role": "user", "content": results})


def result(call):
    time.sleep(3 if call.name == "run_tests" else 0.3)
    match call.name:
        case "run_tests" if call.input["times"] == 20:
            return "17 passed, 3 failed\nFAILED test_retry.py::test_retry_backoff - AssertionError: waited 0.000 s, expected 0.050 s"
        case "run_tests":
            return "200 passed"
        case "read_file":
            return SOURCE
        case "edit_file":
            return "2 lines changed"
        case "fetch":
            return "time.monotonic() -> float\nReturn the value (in fractional seconds) of a monotonic clock, i.e. a clock that cannot go backwards."
        case "task":
            agent = {**SESSION, "x-claude-code-agent-id": "a1"}
            return work("claude-haiku-4-5", FETCH, call.input["prompt"], agent)


work("claude-sonnet-4-6", TOOLS, "test_retry_backoff is flaky on CI. Find out why, and fix it.", SESSION)
