"""How a model is asked: every parameter, always sent, so that no server fills in one of its own."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.chat.constraint import constraint
from agent.chat.functions import functions
from agent.prompt import Style

Kind = Literal["thinking", "instruct"]

_SAMPLING: dict[Kind, dict[str, float]] = {
    "thinking": {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "presence_penalty": 0.0},
    "instruct": {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "presence_penalty": 1.5},
}
"""What Qwen recommends for pictures (QwenLM/Qwen3-VL, README.md, Evaluation Reproduction)."""
_SURE: dict[str, float] = {"temperature": 0.0, "top_p": 1.0, "top_k": 1, "presence_penalty": 0.0}
_LOOPS = {"max_pattern_size": 64, "min_pattern_size": 3, "min_count": 12}
"""An answer that says the same twelve times in a row will go on with it."""
OPTIONAL = (
    "temperature", "top_p", "top_k", "min_p", "presence_penalty", "repetition_penalty", "seed", "tool_choice",
    "parallel_tool_calls", "thinking_token_budget", "repetition_detection", "structured_outputs", "max_tokens",
    "reasoning", "uuid",
)  # fmt: skip
"""Fields that a server may do without, when it refuses them by name."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What one model is asked with. `thinking_tokens` bounds a thought, `answer_tokens` what is said after it.

    `image_tokens` bounds a screenshot. `browser` offers the tool for addresses and tabs. `wording` replaces the words
    of `computer_use`. `constrain` holds the answer to its form, where the server can; `without` and `longest` then keep
    a model that knows nothing from some actions and from texts without end. Without `acts` it is asked for words: no
    tool is offered, and no form asked for. `sure` leaves nothing to chance.
    """

    kind: Kind
    style: Style = field(default_factory=Style)
    thinking_tokens: int = 1024
    answer_tokens: int = 512
    image_tokens: int = 2048
    temperature: float | None = None
    seed: int = 0
    browser: bool = False
    wording: dict[str, Any] | None = None
    constrain: bool = True
    without: tuple[str, ...] = ()
    longest: int | None = None
    acts: bool = True
    sure: bool = False


def parameters(manner: Manner, turn: int, *, strict: bool, dropped: Collection[str], vllm: bool) -> dict[str, Any]:
    """Everything of a request but its model and its messages.

    `turn` counts the model's own turns: with one seed for all of them, a model tends to repeat itself. A `strict` one
    is for a reply that must come out right: no thought, nothing left to chance. What only vLLM knows is sent to vLLM
    only, and nothing that was `dropped` before.
    """
    thinking = 0 if strict or manner.kind == "instruct" else manner.thinking_tokens
    sure = strict or manner.sure
    sent: dict[str, Any] = dict(_SURE if sure else _SAMPLING[manner.kind])
    if manner.temperature is not None and not sure:
        sent["temperature"] = manner.temperature
    bound = thinking if vllm or manner.kind == "instruct" else manner.thinking_tokens  # others think as they like
    limit = bound + manner.answer_tokens
    sent |= {
        "min_p": 0.0, "repetition_penalty": 1.0, "seed": manner.seed + turn, "max_tokens": limit, "stream": False,
    }  # fmt: skip
    if manner.acts:
        tools = functions(boxes=manner.style.boxes, browser=manner.browser, wording=manner.wording)
        sent |= {"tools": tools, "tool_choice": "auto", "parallel_tool_calls": False}
    if vllm:
        sent["repetition_detection"] = _LOOPS
        if manner.kind == "thinking":
            sent["thinking_token_budget"] = thinking
        if manner.acts and manner.constrain:
            form = constraint(
                boxes=manner.style.boxes, browser=manner.browser, without=manner.without, longest=manner.longest
            )
            sent["structured_outputs"] = {"regex": form}
    if "max_tokens" in dropped:
        sent["max_completion_tokens"] = limit
    return {name: value for name, value in sent.items() if name not in dropped}
