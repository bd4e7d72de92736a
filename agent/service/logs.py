"""Logs for machines: one JSON object a line, with the run that it is about."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

RUN: ContextVar[str] = ContextVar("run", default="")
"""The run that is worked on here."""
_CHATTY = ("dbos", "httpx", "mcp", "uvicorn")


class JsonLines(logging.Formatter):
    """Time, level, who says it, what, and of which run."""

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
        return json.dumps(told, ensure_ascii=False)


def begin() -> None:
    """Sends what this process logs to standard error; libraries are heard from warnings on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
