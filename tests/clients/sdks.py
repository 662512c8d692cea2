"""The SDKs of openai and anthropic."""

from asks import arguments
from collected import Collected


def sdk(o, asynchronous):
    """The SDK's client and its method for the dialect."""
    if o.dialect == "anthropic.messages":
        import anthropic as package

        kind = package.AsyncAnthropic if asynchronous else package.Anthropic
        client = kind(base_url=o.base, api_key=o.key, max_retries=0)
        return package, client, client.messages.create
    import openai as package

    kind = package.AsyncOpenAI if asynchronous else package.OpenAI
    client = kind(base_url=o.base + "/v1", api_key=o.key, max_retries=0)
    chat = o.dialect == "openai.chat"
    return package, client, client.chat.completions.create if chat else client.responses.create


def with_sdk(o):
    package, client, create = sdk(o, False)
    with client:
        for call in o.turns():
            collected, status = Collected(o), 200
            try:
                answer = create(**arguments(o, call))
                if o.stream:
                    for event in answer:
                        collected.event(event.model_dump(exclude_unset=True))
                else:
                    collected.whole(answer.model_dump(exclude_unset=True))
            except package.APIStatusError as error:
                status = error.status_code
            collected.told(call, status)


async def with_sdk_async(o):
    package, client, create = sdk(o, True)
    async with client:
        for call in o.turns():
            collected, status = Collected(o), 200
            try:
                answer = await create(**arguments(o, call))
                if o.stream:
                    async for event in answer:
                        collected.event(event.model_dump(exclude_unset=True))
                else:
                    collected.whole(answer.model_dump(exclude_unset=True))
            except package.APIStatusError as error:
                status = error.status_code
            collected.told(call, status)
