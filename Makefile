BIN := .venv/bin

.PHONY: help setup vllm tune osworld rivals check test soak school demo bench lock clean
.NOTPARALLEL:

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile | expand -t 8

setup:  ## install the Debian packages and .venv; once done, takes no time
	@bash docker/setup.sh

vllm: setup  ## install vLLM for the CPU into .venv-serve, 2 GB; once done, takes no time
	@bash docker/setup-serve.sh

tune: vllm  ## install ms-swift for the CPU into .venv-tune, 300 MB; once done, takes no time
	@bash docker/setup-tune.sh

osworld: setup  ## install OSWorld's own client into .venv-osworld, 900 MB, and the programs that its tasks use
	@bash docker/setup-osworld.sh

rivals: setup  ## install the other ways to play MiniWoB++ into .venv-rivals, 300 MB, for `make bench`
	@bash docker/setup-rivals.sh

check: setup  ## style, types, layers, sizes
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/check_sizes.py

test: setup  ## everything but the soak tests; those with vLLM are skipped where it cannot be installed
	-@bash docker/setup-serve.sh && bash docker/setup-tune.sh
	$(BIN)/pytest -m "not soak" -n 2 --dist loadgroup

soak: setup  ## repetitions, chaos and long suites
	-@bash docker/setup-serve.sh && bash docker/setup-tune.sh
	-@bash docker/setup-osworld.sh
	$(BIN)/pytest -m soak

LEARN = $(BIN)/surehand train pocket runs/school --batch 8 --learning-rate 2e-3 --stage
SCHOOL_PORT = 8765
CLICKS = $(addprefix miniwob/click-,test test-2 button link dialog tab option widget)

school: vllm  ## an hour of training a small model on the CPU, its examination, and a bench of real clicks
	$(LEARN) print --shape nano --only-letters --minutes 2
	for more in "print --minutes 4" "prints --minutes 9" "words --minutes 7" "few --minutes 8"; do $(LEARN) $$more || exit; done
	[ -e runs/clicks.lessons ] || $(BIN)/surehand train demonstrations $(CLICKS) --seeds 0-79 --out runs/clicks.lessons
	$(LEARN) task --pack runs/clicks.lessons --minutes 28
	$(BIN)/surehand train examine runs/school --stage task --lessons 300
	$(BIN)/surehand serve runs/school --port $(SCHOOL_PORT)
	-$(BIN)/surehand bench 'miniwob/click-t*' --seeds 50000-50009 --model http://127.0.0.1:$(SCHOOL_PORT)/v1 --baselines random
	$(BIN)/surehand serve runs/school --stop

demo: setup  ## watch it work; without vLLM (no room, another processor) it shows the rest
	-@bash docker/setup-serve.sh
	$(BIN)/surehand demo

bench: setup  ## how fast it captures, clicks, types and settles, and how fast its rivals
	-@bash docker/setup-osworld.sh
	-@bash docker/setup-rivals.sh
	$(BIN)/python -m tests.bench

lock: setup  ## make docker/requirements.lock fit pyproject.toml again; pins that still fit stay
	$(BIN)/pip install --quiet uv
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --group dev --quiet \
	  --universal --python-version 3.11 --no-annotate --no-emit-index-url --no-emit-package python3-xlib \
	  --output-file docker/requirements.lock

clean:  ## remove caches and built files; .venv and runs/ stay
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find agent env scenarios tests tools -name __pycache__ -prune -exec rm -rf {} +
