"""A model behind an OpenAI-compatible server: what it is sent, what comes back, and what goes wrong on the way."""
