"""`python -m agent` is `surehand`."""

from agent.cli import main

main()
