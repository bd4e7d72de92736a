"""Lets PyPI's torchvision, a CUDA build, be imported beside a CPU build of torch.

Its compiled operators don't load there, and it stops because two of them have no schema. docker/setup-serve.sh copies
this module into .venv-serve and imports it from a .pth file, in every process; it acts when torchvision is imported.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_OPERATORS = ("nms", "qnms")
_kept: list[Any] = []  # the schemas live as long as this does


class _BeforeTorchvision(MetaPathFinder):
    """Finds nothing; defines the schemas when torchvision is first looked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Leaves the finding to others."""
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            library = importlib.import_module("torch").library.Library("torchvision", "FRAGMENT")
            for name in _OPERATORS:
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _kept.append(library)
        return None


sys.meta_path.insert(0, _BeforeTorchvision())
