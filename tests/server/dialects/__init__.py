"""The API shapes, a file a vendor, and which path speaks which."""

import re
from urllib.parse import unquote

from .anthropic import AnthropicMessages
from .bedrock import Converse, InvokeAnthropic
from .cohere import Cohere
from .google import Gemini, GeminiOverGrpc
from .ollama import OllamaChat
from .openai import OpenAiChat, OpenAiResponses

PATHS = {
    r"/v1/chat/completions": OpenAiChat,
    r"/v1/responses": OpenAiResponses,
    r"/v1/messages": AnthropicMessages,
    r"/v1beta/models/(?P<model>[^/:]+):(?P<method>(?:streamG|g)enerateContent)": Gemini,
    r"/google\.ai\.generativelanguage\.v1beta\.GenerativeService/(?P<method>(?:Stream)?GenerateContent)": GeminiOverGrpc,
    r"/v2/chat": Cohere,
    r"/model/(?P<model>[^/]+)/(?P<method>converse(?:-stream)?)": Converse,
    r"/model/(?P<model>[^/]+)/(?P<method>invoke(?:-with-response-stream)?)": InvokeAnthropic,
    r"/api/chat": OllamaChat,
}


def route(path):
    """The dialect that a path speaks, and what else the path says."""
    for pattern, dialect in PATHS.items():
        if found := re.fullmatch(pattern, path):
            return dialect, {name: unquote(word) for name, word in found.groupdict().items()}
    return None, {}
