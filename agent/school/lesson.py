"""What a model is taught: pictures, the conversation before its answer, and the answer."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""


class Letter(NamedTuple):
    """A letter of a picture and the pixels that it takes in its line; `right` and `bottom` lie just outside."""

    sign: str
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """One answer to learn.

    `messages` are chat messages in OpenAI's form as the model gets them at run time, where each picture is a part
    `{"type": "image"}`, in the order of `pictures`. `completion` is the text that the model is to write after the
    generation prompt, without the end token. Boxes are relative, 0–1000. `kind` groups lessons in an examination.
    `letters` are all those on the last picture, none where they are not known.
    """

    kind: str
    pictures: tuple[Picture, ...]
    messages: tuple[dict[str, Any], ...]
    completion: str
    letters: tuple[Letter, ...] = ()
