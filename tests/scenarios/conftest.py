"""Fixtures that the tests of pages share."""

from tests.scenarios.visits import chromium, go

__all__ = ["chromium", "go"]
