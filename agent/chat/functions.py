"""The actions as the functions that a model is offered: names, parameters and their order are those of the union.

Without our additions (`bbox_2d` and `coordinate2`), `computer_use` is the function that Qwen3-VL was trained on
(QwenLM/Qwen3-VL, cookbooks/utils/agent_function_call.py), but for the wording, which `reworded` takes from a file.
"""

import copy
import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from agent.settings import reason
from tools.actions import BrowserAction, ComputerAction, Pointing
from tools.errors import UserError
from tools.geometry import Box, GridPoint

ADDED = ("bbox_2d", "coordinate2")
"""Parameters that the model was not trained on."""
_TOOLS = {
    "computer_use": "Mouse and keyboard of a computer, and the screen that the screenshots show.\n"
    "* The screen is 1000x1000, whatever the size of a screenshot: (0, 0) is its top left corner.\n"
    "* Only what is on the screen can be used. Find the target in the newest screenshot and aim at its middle.\n"
    "* Programs and pages take time. When something is still loading, wait and look again.\n"
    "* When a click did nothing, look where it went, and aim better or do it in another way.",
    "browser": "What the page on the screen has no buttons for: addresses, going back, and tabs.",
}
_PARAMETERS = {
    "action": "What to do:",
    "keys": "Names of keys, held down together in this order.",
    "text": "The text.",
    "bbox_2d": "[x1, y1, x2, y2]: the box around the target of a mouse action. Its middle is used.",
    "coordinate": "(x, y): the place of the target of a mouse action.",
    "coordinate2": "(x, y): where a drag ends; it then begins at the target.",
    "pixels": "How far: positive is up or right, negative is down or left.",
    "time": "Seconds.",
    "status": "Whether the task was done.",
    "url": "An address with its scheme, such as http://site.test/.",
    "tab": "The number of a tab, counted from 0.",
}
_TYPES = {Box: "array", GridPoint: "array", tuple: "array", str: "string", float: "number", int: "integer"}


def functions(
    *, boxes: bool = True, browser: bool = False, wording: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """What goes into a request as `tools`: `computer_use`, and `browser` where the world has no browser frame.

    `boxes` is whether our own parameters are offered; `wording` is a function whose descriptions replace ours.
    """
    offered = [_function("computer_use", ComputerAction, boxes)]
    if wording is not None:
        offered = [_reworded(offered[0], wording)]
    return [*offered, _function("browser", BrowserAction, boxes)] if browser else offered


def read_wording(file: Path) -> dict[str, Any]:
    """A function as JSON, bare or as an entry of `tools`, for the sake of its descriptions. Raises UserError."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        function = found.get("function", found)
        properties = function["parameters"]["properties"].values()
        texts = [function["description"], *(about["description"] for about in properties)]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {str(file)!r}", cause=reason(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{str(file)!r} is no function of a model", cause=repr(error), remedy="give a JSON object with"
                        " name, description and parameters, each with a description") from None  # fmt: skip
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"{str(file)!r} is no function of a model", cause="a description is no text")
    return dict(function)


def _function(name: str, union: Any, boxes: bool) -> dict[str, Any]:
    verbs = {get_args(cls.model_fields["action"].annotation)[0]: cls for cls in get_args(union)}
    used_by: dict[str, list[str]] = {}
    required: set[str] = set()
    types: dict[str, Any] = {}
    for verb, cls in verbs.items():
        for field, info in cls.model_fields.items():
            if field != "action" and (boxes or field not in ADDED):
                used_by.setdefault(field, []).append(f"`{verb}`")
                types.setdefault(field, info.annotation)
                required |= {field} if info.is_required() else set()
    what = "\n".join([_PARAMETERS["action"], *(f"* `{verb}`: {_about(cls)}" for verb, cls in verbs.items())])
    properties: dict[str, Any] = {"action": {"description": what, "enum": list(verbs), "type": "string"}}
    for field, annotation in types.items():
        needed = f" {'Needed by' if field in required else 'For'} {_listed(used_by[field])}."
        about = _PARAMETERS[field] + ("" if field in Pointing.model_fields else needed)
        properties[field] = {"description": about, **_typed(annotation)}
    parameters = {"properties": properties, "required": ["action"], "type": "object"}
    return {"type": "function", "function": {"name": name, "description": _TOOLS[name], "parameters": parameters}}


def _about(cls: Any) -> str:
    return str(cls.__doc__).partition("\n")[0]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _typed(annotation: Any) -> dict[str, Any]:
    plain = next((part for part in get_args(annotation) if part is not type(None)), annotation)
    whole = annotation if get_origin(annotation) in (Literal, tuple) else plain
    if get_origin(whole) is Literal:
        return {"type": "string", "enum": list(get_args(whole))}
    return {"type": _TYPES[get_origin(whole) or whole]}


def _reworded(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    told = copy.deepcopy(ours)
    function, properties = told["function"], told["function"]["parameters"]["properties"]
    function["description"] = theirs["description"]
    for name, about in theirs["parameters"]["properties"].items():
        if name in properties:
            properties[name]["description"] = about["description"]
    return told
