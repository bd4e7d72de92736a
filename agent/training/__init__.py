"""Runs as training data for ms-swift and others, and a check of any such data."""
