"""Spans of OpenTelemetry, one for each node of the loop, where its SDK is installed and told where to send them.

They hold which run, which step, which verb, and how long; no text, no picture and no address, for those may be secret.
"""

import functools
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from tools.errors import UserError

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable: where spans are sent, such as http://localhost:4318."""
P = ParamSpec("P")
T = TypeVar("T")


def begin() -> bool:
    """Sends spans where the environment says; False where it says nothing. Raises UserError without the SDK."""
    if not os.environ.get(ENDPOINT):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise UserError(
            "spans cannot be sent", cause=f"{ENDPOINT} is set, but {error}", remedy="pip install 'surehand[otel]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "surehand"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """Inside is one span; a pause for a person ends it, too, and is no error."""
    try:
        from opentelemetry import trace
    except ImportError:
        yield
        return
    told = {f"surehand.{key}": value for key, value in attributes.items()}
    with trace.get_tracer("surehand").start_as_current_span(
        name, attributes=told, record_exception=False, set_status_on_exception=False
    ):  # fmt: skip
        yield


def spanned(node: Callable[P, Awaitable[T]], about: Callable[P, dict[str, str | int]]) -> Callable[P, Awaitable[T]]:
    """The same node inside a span of its name; `about` tells its attributes from the node's arguments."""

    @functools.wraps(node)
    async def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        with span(node.__name__, **about(*args, **kwargs)):
            return await node(*args, **kwargs)

    return inside
