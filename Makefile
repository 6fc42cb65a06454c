# Needs only make and Python >= 3.11: everything else goes into .venv, from hashed locks.
# `make help` lists the targets. Overridable: PYTHON=python3.12, UV= (to use pip although uv is there).

PYTHON ?= python3
UV ?= $(shell command -v uv 2>/dev/null)
PYTEST_ARGS ?= -n logical --dist loadfile --no-loadscope-reorder

VENV := .venv
BIN := $(VENV)/bin

# uv leaves bytecode to the first run unless told otherwise; a server should not pay for that at its start.
ifneq ($(strip $(UV)),)
INSTALL = "$(UV)" pip install --quiet --compile-bytecode --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint fmt bench bench-quick trace attack kill9 chaos screenshots sbom lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.run ## a virtual environment with what Engawa needs to run

setup-dev: $(VENV)/.dev ## the same, with what tests and linters need

demo: setup ## start everything on this machine and print a URL and a staff login
	$(BIN)/engawa demo $(ARGS)

test: setup-dev ## PostgreSQL and Chromium, linters, types, then all tests
	$(BIN)/python -m tests.provision
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: setup-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: setup-dev ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-dev ## Engawa on both databases beside floors and other bots, which it installs into build/peers
	$(BIN)/python -m benchmarks $(ARGS)

bench-quick: setup-dev ## the floor and Engawa on SQLite alone, at most 2 minutes
	$(BIN)/python -m benchmarks --quick $(ARGS)

trace: setup-dev ## each requirement with the tests that name it, and what no test names yet (ARGS=BOT …)
	@$(BIN)/python -m tests.trace $(ARGS)

attack: setup-dev ## the security bars against a server it starts on loopback, pass or fail each (ARGS="B1 B26 …")
	@$(BIN)/python -m tests.provision
	@$(BIN)/python -m tests.attack $(ARGS)

kill9: setup-dev ## kill -9 at random moments on both databases; count what was lost or repeated
	$(BIN)/python -m tests.kill9 $(ARGS)

chaos: setup-dev ## every fault there is on both databases, judged from outside (ARGS="--seed 7 --processes 4")
	$(BIN)/python -m tests.chaos $(ARGS)

sbom: setup-dev ## what is installed to run Engawa, as CycloneDX with hashes, and its licences, into build/
	rm -rf build/run && "$(PYTHON)" -m venv build/run
	build/run/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --gather-license-texts --output-reproducible \
		--output-file build/sbom.cdx.json build/run/bin/python
	$(BIN)/python -m deploy.licences build/sbom.cdx.json requirements/run.txt > build/licences.txt
	@tail -1 build/licences.txt

screenshots: setup-dev ## every page of the console by day and night, at 390 and 1280 px, into docs/screenshots/
	$(BIN)/python -m tests.screenshots $(ARGS)

lock: $(VENV)/.made ## pin the requirements anew (UPGRADE=1: to the newest releases)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(compile) --group build --output-file requirements/run.txt
	$(compile) --group build --group dev --constraint requirements/run.txt --output-file requirements/dev.txt

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One lock for every platform and Python; it names no index, so everybody's own settings apply.
compile = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --quiet \
	--universal --python-version 3.11 --generate-hashes \
	$(if $(UPGRADE),--upgrade)

# The stamps below make a second call a matter of milliseconds.
$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "make: no '$(PYTHON)' here. Install Python 3.11 or newer, or say PYTHON=/path/to/python3." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1); Engawa needs Python 3.11 or newer." \
			"Say PYTHON=python3.12 or the like." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: '$(PYTHON)' comes without its venv module." \
			"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements/run.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
