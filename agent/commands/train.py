"""`surehand train …`: a small model of one's own, from its data to its marks."""

import typer

from agent.commands.train_data import demonstrations, overlap

train_app = typer.Typer(no_args_is_help=True, help="Train a small model of your own, and examine it.")
train_app.command()(demonstrations)
train_app.command()(overlap)
