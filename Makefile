# The two commands that matter are `make run` and `make test`; `make help` lists the others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)-bench/.ready
LOCK := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.10 --no-header --upgrade

.DEFAULT_GOAL := help
.PHONY: help run test lint unit integration bench lock wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: $(READY) ## Run the whole job here, with made-up traffic and a page to look at
	@$(BIN)/ticketing demo

test: $(READY) ## Run every test; those of Kafka, Redis and the browser start what they need
	$(BIN)/pytest

lint: $(READY) ## Check format, style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY) ## Run the tests that need nothing but Python
	$(BIN)/pytest tests/unit tests/contract

integration: $(READY) ## Run the tests on real Kafka and real Redis
	$(BIN)/pytest tests/integration tests/e2e

bench: $(READY) $(BENCH_READY) ## Compare speeds in one run; writes docs/benchmarks.md
	$(BIN)/python tests/bench/run.py

$(BENCH_READY): tests/bench/requirements.lock
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

lock: ## Resolve the dependencies anew
	$(PYTHON) -m pip install --quiet uv
	$(LOCK) --extra dev --output-file requirements.lock pyproject.toml
	$(LOCK) --output-file tests/bench/requirements.lock tests/bench/requirements.in

wheel: $(READY) ## Build the wheel into dist/
	$(BIN)/python -m hatchling build --target wheel

clean: ## Remove the environment and everything built
	rm -rf $(VENV) $(VENV)-bench dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
