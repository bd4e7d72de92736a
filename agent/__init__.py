"""The mind and the machinery around it. Imports scenarios, env and tools."""
