"""Clients with a TLS library of their own inside; `tests/agents/run` installs them."""

import os
import sys
from pathlib import Path

from asks import GEMINI, arguments, prompt
from collected import Collected

SERVICE = "/google.ai.generativelanguage.v1beta.GenerativeService"


def with_curl_cffi(o):
    from curl_cffi import requests

    with requests.Session(verify=os.environ["SSL_CERT_FILE"], impersonate="chrome") as session:
        for call in o.turns():
            collected = Collected(o)
            answer = session.post(o.url, headers=o.headers, json=arguments(o, call))
            if o.stream:
                for line in answer.text.split("\n"):
                    collected.line(line)
            else:
                collected.whole(answer.json())
            collected.told(call, answer.status_code)


def with_grpcio(o):
    """Gemini's GenerativeService, whose few messages are put together by hand."""
    import grpc

    sys.path.append(str(Path(__file__).resolve().parent.parent / "server"))
    from dialects import protobuf

    credentials = grpc.ssl_channel_credentials(Path(os.environ["SSL_CERT_FILE"]).read_bytes())
    with grpc.secure_channel(o.base.partition("://")[2], credentials) as channel:
        if o.stream:
            ask = channel.unary_stream(f"{SERVICE}/StreamGenerateContent")
        else:
            ask = channel.unary_unary(f"{SERVICE}/GenerateContent")
        for call in o.turns():
            content = protobuf.data(1, protobuf.data(2, prompt(o, call))) + protobuf.data(2, "user")
            request = protobuf.data(1, f"models/{GEMINI}") + protobuf.data(2, content)
            answer = ask(request, metadata=[("x-goog-api-key", o.key)])
            collected = Collected(o)
            for message in answer if o.stream else [answer]:
                collected.text += text(message, protobuf.all_of)
            collected.told(call, 200)


def text(message, all_of, path=(1, 1, 1, 2)):
    """The texts at a path of fields, one after the other."""
    messages = [message]
    for field in path:
        messages = [value for one in messages for value in all_of(one, field)]
    return b"".join(messages).decode()
