"""A service around runs: submitted over HTTP, carried out by workers, gone on with when one of these dies."""
