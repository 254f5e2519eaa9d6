# The same commands on a laptop and in CI. `make install` is part of each and does nothing when nothing changed.

BIN := .venv/bin
ARGS ?=

.PHONY: install demo up check test test-long bench chaos lock clean

install: ## What the machine lacks: packages, .venv, the locked Python packages, Kafka's jars
	@deploy/install.sh

demo: install ## Two products in sync, watched in the terminal
	@$(BIN)/freshpipe demo $(ARGS)

up: install ## Everything on this machine, until Ctrl-C
	@$(BIN)/freshpipe up $(ARGS)

check: install ## Lint, format, types, import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: check ## The checks, then the tests against real Kafka, MariaDB and Redis
	@$(BIN)/pytest $(ARGS)

test-long: install ## Also the tests that take minutes
	@$(BIN)/pytest -m "long or not long" --timeout 3600 $(ARGS)
	@$(BIN)/python -m tests.streams.engine.simulation --runs 100000 --seed 1 --processes 2

chaos: install ## Workers and broker killed again and again; nothing may be lost
	@$(BIN)/pytest tests/faults -m "long or not long" --timeout 3600 $(ARGS)

bench: install ## Rates and latencies on this machine
	@$(BIN)/python -m tests.bench $(ARGS)

LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock: install ## Renew the locks from pyproject.toml: all extras for development, none for the image
	@$(LOCK) --all-extras --upgrade -o requirements.txt pyproject.toml
	@$(LOCK) -c requirements.txt -o deploy/requirements.txt pyproject.toml

clean: ## Caches and the demo's data; what `make up` keeps under var/ stays
	@rm -rf var/demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
