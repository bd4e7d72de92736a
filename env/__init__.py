"""Worlds that can be reset, seen, acted on and inspected. Imports tools only."""
