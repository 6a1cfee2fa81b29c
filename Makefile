# `make` lists what there is. Everything is installed into .venv; nothing outside this folder is changed, except that
# root's embedded database keeps its data under /var/lib/timebank, and `make test` as root may install Chromium and the programs
# that check our files (hledger, ledger, xmllint).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
PORT ?= 8000
FRESH ?=
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
PYTEST_ARGS ?=
MUTANTS_ARGS ?=
LEDGER_BENCH ?= --seconds 5 --postings 10000000
STEPS ?= 1000000
BUDGETS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
UV := $(BIN)/uv
# Never another interpreter than the one of .venv, whatever the machine's own settings say.
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV

ASSET_FILES := $(shell find timebank/web/assets -type f 2>/dev/null)
PROJECT_FILES := pyproject.toml hatch_build.py package.json package-lock.json $(ASSET_FILES)
PYTHON_PATHS := ledger timebank migrations tests scripts hatch_build.py

.PHONY: help
help: ## list the commands
	@echo "Timebank. The commands:"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-19s %s\n", $$1, $$2 }'

# --- To use ---------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: ## show the whole product on this machine (PORT=8000; FRESH=1 starts with new data)
	@scripts/timed.sh "Set up" $(MAKE) --no-print-directory install
	@exec $(BIN)/timebank demo --port $(PORT) $(if $(filter-out 0 no,$(FRESH)),--fresh)

.PHONY: test
test: ## install what is missing and run every test (PYTEST_ARGS="tests/unit -x" for some)
	@scripts/timed.sh "Set up" $(MAKE) --no-print-directory install-dev
	@scripts/timed.sh "Tests" $(MAKE) --no-print-directory run-tests

.PHONY: check
check: ## lint, format, types and import rules
	@scripts/timed.sh "Set up" $(MAKE) --no-print-directory install-dev
	@scripts/timed.sh "Checks" $(MAKE) --no-print-directory run-checks

.PHONY: format
format: install-dev ## put the code into shape
	@$(BIN)/ruff check --fix-only --quiet $(PYTHON_PATHS)
	@$(BIN)/ruff format $(PYTHON_PATHS)

.PHONY: bench
bench: install-dev ## measure speed, memory and page weights and print them (LEDGER_BENCH="--seconds 2" for less, REGISTER_BENCH="--postings 10000000" for the large tier)
	@$(BIN)/python -m tests.benchmarks.ledger_figures $(LEDGER_BENCH)
	@$(BIN)/python -m tests.benchmarks.register_figures $(REGISTER_BENCH)
	@$(BIN)/python -m tests.benchmarks.participant_figures $(REGISTER_BENCH)
	@$(BIN)/python -m tests.benchmarks.import_figures
	@$(BIN)/python -m tests.benchmarks.format_figures
	@$(BIN)/python -m tests.benchmarks.payment_figures
	@$(BIN)/python -m tests.benchmarks.reconciliation_figures
	@$(BIN)/python -m tests.benchmarks

.PHONY: budgets
budgets: install-dev ## hold participant pages to their budgets: weight, requests, words, Lighthouse (BUDGETS="--only home", "--without-lighthouse")
	@$(BIN)/python scripts/ensure_chromium.py
	@$(BIN)/python -m tests.budgets $(BUDGETS)

.PHONY: prove-long
prove-long: install-dev ## run the property tests, the ledger's for 1,000,000 steps and more (STEPS=1000 for fewer), and 50 kills
	@$(BIN)/python -m pytest tests/property --ignore tests/property/ledger -n $(WORKERS) $(PYTEST_ARGS)
	@TIMEBANK_STEPS=$(STEPS) $(BIN)/python -m pytest tests/property/ledger -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)
	@TIMEBANK_LONG=1 $(BIN)/python -m pytest tests/faults -o faulthandler_timeout=3600 $(PYTEST_ARGS)

.PHONY: mutants
mutants: install-dev ## change the ledger bit by bit and list what no test notices (MUTANTS_ARGS="--file 0004 --sample 50")
	@$(BIN)/python -m scripts.mutants --workers $(WORKERS) $(MUTANTS_ARGS)

.PHONY: screenshots
screenshots: install-dev ## make the pictures of README.md from the running demo
	@$(BIN)/python scripts/ensure_chromium.py
	@$(BIN)/python scripts/screenshots.py

.PHONY: lock
lock: $(STAMPS)/uv ## write requirements/*.txt again (UPGRADE=1 for newer versions, UPGRADE=name for one)
	@UV=$(UV) UPGRADE="$(UPGRADE)" scripts/lock.sh

.PHONY: catalogues
catalogues: install-dev ## bring the translations up to date with the words of pages and rules
	@$(BIN)/python -m scripts.catalogues

.PHONY: env
env: ## make .env with new passwords for docker-compose.yml
	@scripts/make_env.sh

.PHONY: clean
clean: ## remove .venv and everything built; the demo's data stays (FRESH=1 renews it)
	rm -rf $(VENV) build dist out timebank/web/static .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find ledger timebank migrations tests scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- To install -----------------------------------------------------------------------------------------------------
# A stamp remembers what was installed, so that a second run does nothing.

.PHONY: install
install: $(STAMPS)/project ## install what running needs

.PHONY: install-dev
install-dev: $(STAMPS)/dev $(STAMPS)/project ## install what tests and checks need as well

$(STAMPS)/python:
	@PYTHON="$(PYTHON)" scripts/make_venv.sh $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/uv: $(STAMPS)/python requirements/uv.txt
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(STAMPS)/run: $(STAMPS)/uv requirements/run.txt requirements/build.txt
	@echo "Installing what running needs"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt -r requirements/build.txt
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements/dev.txt
	@echo "Installing what tests and checks need"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/project: $(STAMPS)/run $(PROJECT_FILES)
	@echo "Building the stylesheet and installing the command timebank"
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# --- Steps of the targets above -------------------------------------------------------------------------------------

.PHONY: run-checks
run-checks:
	@echo "ruff check" && $(BIN)/ruff check --quiet $(PYTHON_PATHS)
	@echo "ruff format" && $(BIN)/ruff format --check --quiet $(PYTHON_PATHS)
	@echo "mypy" && $(BIN)/mypy
	@echo "import rules" && $(BIN)/lint-imports --no-logo

.PHONY: run-tests
run-tests:
	@$(BIN)/python scripts/ensure_chromium.py
	@$(BIN)/python scripts/ensure_checkers.py
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --durations 10 $(PYTEST_ARGS)
