"""What the dialects share."""

from . import framing


class Dialect:
    """An API shape. Each has `name` and `counts(plan)`, the usage as llmtop
    reports it; `whole(plan)`, the answer in one piece; `stream(plan, request)`,
    its events, each `(name or None, object or literal string)`; and
    `error(plan, status)`.
    """

    @staticmethod
    def read(call):
        """The request as an object, whatever its form on the wire."""
        return framing.from_json(call.body)

    @staticmethod
    def streams(call):
        """Whether a stream is asked for."""
        return bool(call.request.get("stream"))

    @staticmethod
    def model(call):
        """The model that is asked for."""
        return call.request["model"]

    @staticmethod
    def reports_usage(request):
        return True

    @staticmethod
    def error_fields(status):
        """Headers of an error."""
        return {}

    @staticmethod
    def framing(call):
        """How the events of a stream are put."""
        return framing.ServerSentEvents()


def halves(text):
    """Two parts, the cut inside of a JSON string where there is one."""
    middle = len(text) // 2
    return [text[:middle], text[middle:]]
