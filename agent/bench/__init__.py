"""Many runs as one bench: what is run (plan, suite), who runs it (station, crew), and what it was worth (rows, scores).

`agent.batch` is the loop around these; a folder holds `bench.json`, `runs/`, and at the end `result.json` and
`index.html`. The run folders are the truth: what is in them is never done twice, and nothing else is counted.
"""
