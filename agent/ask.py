"""Asking a model for one action: its reply, read; and where it cannot be read, one second chance at the same screen."""

from collections.abc import Sequence

from agent.model import Model, Served
from agent.parse import parse
from agent.prompt import Message, mending
from agent.trace import Completion, Decision, Unreadable


async def ask(model: Model, told: Sequence[Message]) -> tuple[Completion, Decision | Unreadable]:
    """The reply that counts, and what it says. An unreadable one before it stays in it as `unread`.

    Nothing happens in the world between the two, so the second is no step of its own; its tokens are counted. Models
    without weights are not asked again: they would say the next thing. Raises ModelError.
    """
    first = await model.decide(told)
    said = parse(first)
    if isinstance(said, Decision) or not isinstance(model, Served):
        return first, said
    second = await model.mend(mending(told, said))
    return second.model_copy(update={"unread": first}), parse(second)
