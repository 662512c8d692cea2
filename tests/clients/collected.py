"""Puts an answer together from whole objects or events, as plain dicts."""

import json


class Collected:
    """Of one call."""

    def __init__(self, o):
        self.o, self.text, self.usage = o, "", None
        self.dialect = o.dialect
        self.open = False

    def whole(self, answer):
        if self.dialect == "openai.chat":
            self.text = answer["choices"][0]["message"]["content"]
        elif self.dialect == "openai.responses":
            parts = [p for item in answer["output"] if item["type"] == "message" for p in item["content"]]
            self.text = "".join(p["text"] for p in parts)
        elif self.dialect == "anthropic.messages":
            self.text = "".join(b["text"] for b in answer["content"] if b["type"] == "text")
        else:
            self.of_others(answer)
            return
        self.usage = answer["usage"]

    def of_others(self, answer):
        if self.dialect == "google.gemini":
            parts = answer["candidates"][0]["content"]["parts"]
            self.text += "".join(p["text"] for p in parts if p.get("text") and not p.get("thought"))
            self.usage = answer["usageMetadata"]
        elif self.dialect == "cohere.chat":
            self.text = "".join(part.get("text", "") for part in answer["message"]["content"])
            self.usage = answer["usage"]
        elif self.dialect == "bedrock.converse":
            self.text = "".join(part.get("text", "") for part in answer["output"]["message"]["content"])
            self.usage = answer["usage"]
        elif self.dialect == "ollama.chat":
            self.text += answer["message"]["content"]
            if answer["done"]:
                self.usage = {name: answer[name] for name in ("prompt_eval_count", "eval_count")}

    def event(self, event):
        if self.dialect == "openai.chat":
            for choice in event["choices"]:
                self.text += choice["delta"].get("content") or ""
            self.usage = event.get("usage") or self.usage
        elif self.dialect == "openai.responses":
            if event["type"] == "response.output_text.delta":
                self.text += event["delta"]
            elif event["type"] == "response.completed":
                self.usage = event["response"]["usage"]
        elif self.dialect == "cohere.chat":
            if event["type"] == "content-delta":
                self.text += event["delta"]["message"]["content"].get("text") or ""
            elif event["type"] == "message-end":
                self.usage = event["delta"]["usage"]
        elif self.dialect == "bedrock.converse":
            self.text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
            self.usage = event.get("metadata", {}).get("usage", self.usage)
        elif self.dialect == "anthropic.messages":
            self.of_anthropic(event)
        else:
            # Gemini and Ollama stream what they answer whole.
            self.whole(event)

    def of_anthropic(self, event):
        if event["type"] == "message_start":
            self.usage = event["message"]["usage"]
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
            self.text += event["delta"]["text"]
        elif event["type"] == "message_delta":
            self.usage = {**self.usage, **event["usage"]}

    def line(self, line):
        """One line of a stream of events, or of objects."""
        if line.startswith("data: ") and line != "data: [DONE]":
            self.event(json.loads(line[6:]))
        elif self.dialect == "ollama.chat" and line:
            self.event(json.loads(line))

    def told(self, call, status):
        marker = f"{self.o.marker}-{call}"
        print(json.dumps({"marker": marker, "status": status, "text": self.text, "usage": self.usage}), flush=True)
