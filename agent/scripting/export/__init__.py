"""A test as a program of another tool, which passes by itself: Playwright's in Python and TypeScript, pytest's."""
