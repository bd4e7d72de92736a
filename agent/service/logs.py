"""Logs for machines: one JSON object a line, with the run that it is about."""

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

RUN: ContextVar[str] = ContextVar("run", default="")
"""The run that is worked on here."""
_CHATTY = ("dbos", "httpx", "mcp", "uvicorn")


class JsonLines(logging.Formatter):
    """Time, level, who says it, what, and of which run; `mask` takes out what is not to be told."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname, "logger": record.name, "message": record.getMessage(),
        }  # fmt: skip
        if run := RUN.get():
            told["run"] = run
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return self._mask(json.dumps(told, ensure_ascii=False))


def begin(mask: Callable[[str], str] = str) -> None:
    """Sends what this process logs to standard error, masked; libraries are heard from warnings on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(mask))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
