"""What is asked in each dialect: where, with which key, and the request, as
the SDKs' methods take it and as JSON."""

from urllib.parse import quote

SYSTEM = "You are a test."
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
GEMINI = "gemini-2.5-flash"

PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.responses": "/v1/responses",
    "anthropic.messages": "/v1/messages",
    "google.gemini": f"/v1beta/models/{GEMINI}:generateContent",
    "cohere.chat": "/v2/chat",
    "ollama.chat": "/api/chat",
    "bedrock.converse": f"/model/{quote(CLAUDE)}/converse",
}


def path(o):
    if o.dialect == "google.gemini" and o.stream:
        # Without `alt=sse`: one array, in pieces.
        return f"/v1beta/models/{GEMINI}:streamGenerateContent"
    return PATHS[o.dialect]


def headers(o):
    if o.dialect.startswith("anthropic"):
        return {"x-api-key": o.key}
    if o.dialect.startswith("google"):
        return {"x-goog-api-key": o.key}
    return {"Authorization": f"Bearer {o.key}"}


def prompt(o, call):
    return f"marker={o.marker}-{call} {o.options} Say something nice, naïve 日本語 🦀."


def arguments(o, call):
    """The request of a call."""
    message = {"role": "user", "content": prompt(o, call)}
    if o.dialect == "google.gemini":
        return {"contents": [{"role": "user", "parts": [{"text": message["content"]}]}]}
    if o.dialect == "bedrock.converse":
        content = [{"text": message["content"]}]
        return {"system": [{"text": SYSTEM}], "messages": [{"role": "user", "content": content}]}
    if o.dialect == "openai.responses":
        given = {"model": "gpt-4.1-mini", "instructions": SYSTEM, "input": [message]}
    elif o.dialect == "anthropic.messages":
        given = {"model": "claude-sonnet-4-5", "max_tokens": 1024, "system": SYSTEM, "messages": [message]}
    elif o.dialect == "cohere.chat":
        given = {"model": "command-a-03-2025", "messages": [message]}
    elif o.dialect == "ollama.chat":
        # Streams unless told otherwise.
        return {"model": "qwen3:8b", "messages": [message], **({} if o.stream else {"stream": False})}
    else:
        given = {"model": "gpt-4.1-mini", "messages": [{"role": "system", "content": SYSTEM}, message]}
        if o.stream:
            given["stream_options"] = {"include_usage": True}
    if o.stream:
        given["stream"] = True
    return given
