"""Tasks: goal, setup, oracle, checks. Imports env and tools."""
