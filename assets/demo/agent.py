"""A small agent with the Anthropic SDK: a question, a tool call, an answer."""

import anthropic

client = anthropic.Anthropic(api_key="demo")
tools = [{"name": "weather", "description": "The weather of a city", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
messages = [{"role": "user", "content": "What is the weather in Trondheim?"}]
for _ in range(2):
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=500, system="You are terse.", tools=tools, messages=messages) as stream:
        reply = stream.get_final_message()
    calls = [block for block in reply.content if block.type == "tool_use"]
    if not calls:
        break
    messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]})
    messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "4 °C, light snow"} for call in calls]})
