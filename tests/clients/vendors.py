"""The SDKs of the other vendors, and litellm, which calls them all."""

import os

from asks import CLAUDE, GEMINI, SYSTEM, arguments, prompt
from collected import Collected


def as_told(answer):
    """An SDK's object as the API sent it, as far as it does."""
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)


def calls(o, whole, stream, refused):
    """Makes the calls: `whole(call)` gives an answer, `stream(call)` its
    events, as plain dicts; `refused(error)` an error's status, `None` where it is
    no answer.
    """
    for call in o.turns():
        collected, status = Collected(o), 200
        try:
            if o.stream:
                for event in stream(call):
                    collected.event(event)
            else:
                collected.whole(whole(call))
        except Exception as error:
            status = refused(error)
            if status is None or status < 400:
                raise
        collected.told(call, status)


def with_google(o):
    from google import genai

    client = genai.Client(api_key=o.key, http_options={"base_url": o.base, "api_version": "v1beta"})
    with client:

        def asked(call):
            return {"model": GEMINI, "contents": prompt(o, call), "config": {"system_instruction": SYSTEM}}

        calls(
            o,
            lambda call: as_told(client.models.generate_content(**asked(call))),
            lambda call: map(as_told, client.models.generate_content_stream(**asked(call))),
            lambda error: getattr(error, "code", None),
        )


def with_cohere(o):
    import cohere

    client = cohere.ClientV2(api_key=o.key, base_url=o.base, log_warning_experimental_features=False)

    def asked(call):
        given = arguments(o, call)
        given.pop("stream", None)
        return {**given, "request_options": {"max_retries": 0}}

    calls(
        o,
        lambda call: as_told(client.chat(**asked(call))),
        lambda call: map(as_told, client.chat_stream(**asked(call))),
        lambda error: getattr(error, "status_code", None),
    )


def with_mistral(o):
    from mistralai.client import Mistral

    with Mistral(api_key=o.key, server_url=o.base) as client:

        def asked(call):
            return {"model": "mistral-small-latest", "messages": [{"role": "user", "content": prompt(o, call)}]}

        def events(call):
            with client.chat.stream(**asked(call)) as stream:
                for event in stream:
                    yield as_told(event.data)

        calls(
            o,
            lambda call: as_told(client.chat.complete(**asked(call))),
            events,
            lambda error: getattr(error, "status_code", None),
        )


def with_ollama(o):
    import ollama

    client = ollama.Client(host=o.base)

    def asked(call):
        return {"model": "qwen3:8b", "messages": [{"role": "user", "content": prompt(o, call)}], "stream": o.stream}

    calls(
        o,
        lambda call: as_told(client.chat(**asked(call))),
        lambda call: map(as_told, client.chat(**asked(call))),
        lambda error: getattr(error, "status_code", None),
    )


def with_litellm(o):
    # Not to be fetched from anywhere.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    # Its advice would go to standard output.
    litellm.suppress_debug_info = True
    route = {
        "openai.chat": {"model": "openai/gpt-4.1-mini", "api_base": o.base + "/v1"},
        "anthropic.messages": {"model": "anthropic/claude-sonnet-4-5", "api_base": o.base},
    }[o.dialect]
    # Whatever it calls, it answers in OpenAI's shape.
    asked_dialect, o.dialect = o.dialect, "openai.chat"

    def ask(call):
        given = {"messages": [{"role": "user", "content": prompt(o, call)}], "api_key": o.key, "num_retries": 0}
        if o.stream:
            given.update(stream=True, stream_options={"include_usage": True})
        return litellm.completion(**route, **given)

    calls(
        o,
        lambda call: as_told(ask(call)),
        lambda call: map(as_told, ask(call)),
        lambda error: getattr(error, "status_code", None),
    )
    o.dialect = asked_dialect


def bedrock(o):
    import boto3
    from botocore.config import Config

    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=1)
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=o.base,
        region_name="us-east-1",
        aws_access_key_id="AKIATESTTESTTESTTEST",
        aws_secret_access_key=o.key,
        verify=os.environ["SSL_CERT_FILE"],
        config=config,
    )


def refused_by_bedrock(error):
    return getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode")


def with_boto3(o):
    client = bedrock(o)

    def asked(call):
        return {"modelId": CLAUDE, **arguments(o, call)}

    calls(
        o,
        lambda call: client.converse(**asked(call)),
        lambda call: client.converse_stream(**asked(call))["stream"],
        refused_by_bedrock,
    )


def with_boto3_invoke(o):
    import json

    client = bedrock(o)

    def asked(call):
        message = {"role": "user", "content": prompt(o, call)}
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1024, "messages": [message]}
        return {"modelId": CLAUDE, "body": json.dumps(body), "contentType": "application/json"}

    def events(call):
        for event in client.invoke_model_with_response_stream(**asked(call))["body"]:
            yield json.loads(event["chunk"]["bytes"])

    calls(
        o,
        lambda call: json.loads(client.invoke_model(**asked(call))["body"].read()),
        events,
        refused_by_bedrock,
    )
