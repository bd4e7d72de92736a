"""A command with words below it, of which the first may be left out."""

from typing import Any

from typer.core import TyperGroup


class FirstByDefault(TyperGroup):
    """A first word that is no command belongs to the first command; without a word there is help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the first command before it."""
        if not args:
            args = ["--help"]
        elif args[0] not in self.commands and args[0] != "--help":
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
