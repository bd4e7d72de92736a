"""Whether two libraries agree on what a model says: transformers here, vLLM behind its address."""

import base64
import io
import json
import math
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from agent.school.batches import Seen, Teller, Told, hidden
from agent.school.exam import answers
from agent.school.lesson import Lesson

_LONGEST = 64
"""Tokens of an answer that are compared."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How alike two libraries are.

    `same` is the share of prompts with the same likeliest answer, `apart` the widest gap between logarithms of the
    probability of the first token, where both chose the same one.
    """

    same: float
    apart: float


def compare(model: Any, teller: Teller, lessons: Sequence[Lesson], url: str, name: str, key: str) -> Parity:
    """Asks both. `url` is that of an OpenAI-compatible server with its /v1, `name` what it calls the model.

    Raises urllib.error.URLError when it does not answer.
    """
    equal, gaps = [], [0.0]
    for one in answers(model, teller, map(_on_a_screen, lessons), size=1):
        there = _asked(one.lesson, url, name, key)
        equal.append(one.text[: len(there.text)] == there.text)
        token, chance = _first(model, teller, one.lesson)
        if token == there.token:
            gaps.append(abs(chance - there.chance))
    return Parity(sum(equal) / len(equal), max(gaps))


def _on_a_screen(lesson: Lesson) -> Lesson:
    """The same with small pictures on white screens: a server enlarges those more than training does."""
    shown = []
    for picture in lesson.pictures:
        height, width = picture.shape[:2]
        screen = np.full((max(height, 214), max(width, 332), 3), 255, np.uint8)
        screen[:height, :width] = picture
        shown.append(screen)
    return replace(lesson, pictures=tuple(shown))


@dataclass(frozen=True, slots=True)
class _There:
    """An answer of the server: its text, its first token, the logarithm of that token's probability."""

    text: str
    token: str
    chance: float


def _first(model: Any, teller: Teller, lesson: Lesson) -> tuple[str, float]:
    batch = teller.batch([Told(lesson, teller.tell(lesson).prompt, ())])
    with torch.no_grad():
        state = hidden(model, batch, Seen(model, batch))
        chances = model.lm_head(state[0, -1]).float().log_softmax(-1)
    return teller.tokenizer.decode([int(chances.argmax())]), float(chances.max())


def _asked(lesson: Lesson, url: str, name: str, key: str) -> _There:
    pictures = iter(lesson.pictures)
    wired = []
    for message in lesson.messages:
        parts = [_part(part, pictures) for part in message["content"]]
        wired.append({**message, "content": parts})
    body = {
        "model": name, "messages": wired, "temperature": 0.0, "max_tokens": _LONGEST, "logprobs": True,
        "skip_special_tokens": False, "include_reasoning": True,
    }  # fmt: skip
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        choice = json.load(answer)["choices"][0]
    tokens = [token for token in choice["logprobs"]["content"] if token["token"] != "<|im_end|>"]
    text = "".join(token["token"] for token in tokens)
    first = choice["logprobs"]["content"][0]
    return _There(text, first["token"], first["logprob"] if math.isfinite(first["logprob"]) else 0.0)


def _part(part: dict[str, Any], pictures: Any) -> dict[str, Any]:
    if part["type"] != "image":
        return part
    file = io.BytesIO()
    Image.fromarray(next(pictures)).save(file, "PNG")
    return {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()},
    }
