# `make run` for the site on this machine, `make test` for every check. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip looks up newer versions of itself otherwise; hashes are demanded whatever the machine's settings.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes
export PORT ?= 8000
export EMULATOR_PORT ?= 8400
ARGS ?=
# A test process for each core, each with servers of its own; a file's tests stay together.
AT_ONCE := --numprocesses logical --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run dev test check lint format types audit bench faults troubleshooting soak mutants requirements clean system

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1@/p' Makefile | while IFS=@ read -r name what; do \
		printf '  make %-13s %s\n' "$$name" "$$what"; done

run: $(VENV)/production.stamp  ## the site with demo people and a local Microsoft (PORT, EMULATOR_PORT)
	@exec $(BIN)/python -m tests.servers.run

dev: $(VENV)/production.stamp  ## the same, reloading when a file changes
	@exec $(BIN)/python -m tests.servers.run --reload

ifneq ($(strip $(ARGS)),)
test: $(VENV)/dev.stamp system
	@exec $(BIN)/python -m pytest $(ARGS)
else
test: check  ## every check and every test; with ARGS="tests/unit/signin/test_policy.py -x" only pytest
	@$(BIN)/python -m pytest $(AT_ONCE) || { \
		echo "Once more, only what failed: real servers on a busy machine can be slow once."; \
		exec $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }
endif

check: lint types system
	$(BIN)/python -m tests.servers.check

lint: $(VENV)/dev.stamp  ## ruff: errors and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev.stamp  ## ruff: mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/dev.stamp  ## mypy, strict
	DEBUG=true $(BIN)/mypy

audit: $(VENV)/dev.stamp  ## known vulnerabilities in what is pinned (asks an advisory service)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/dev.txt

bench: $(VENV)/dev.stamp  ## sign-ins against stock allauth: latency, CPU, SQL, Redis commands
	@exec $(BIN)/python -m tests.bench $(ARGS)

faults: $(VENV)/dev.stamp system  ## what breaks a sign-in: the page and doctor's answer, as a table
	@$(BIN)/python -m pytest -q $(AT_ONCE) tests/faults $(ARGS)
	@$(BIN)/python -m tests.faults.catalogue --print

troubleshooting: $(VENV)/dev.stamp  ## write the table of faults into docs/troubleshooting.md
	@$(BIN)/python -m tests.faults.catalogue

soak: $(VENV)/dev.stamp system  ## three instances under load while their parts fail
	@exec $(BIN)/python -m tests.soak $(ARGS)

mutants: $(VENV)/dev.stamp  ## mutation tests of the policy, the state and the tokens
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

requirements: $(VENV)/dev.stamp  ## pin the newest versions that requirements/*.in allow
	cd requirements && for name in base "production -c base.txt" "azure -c production.txt" \
		"telemetry -c azure.txt" "dev -c production.txt -c azure.txt -c telemetry.txt"; do \
		set -- $$name; file=$$1; shift; \
		../$(BIN)/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
			--generate-hashes --no-header "$$file.in" "$$@" --output-file "$$file.txt" || exit 1; \
	done

clean:  ## remove all that these targets made, the demo database included
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants staticfiles db.sqlite3*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || \
		{ rm -rf $(VENV); echo "The venv module is missing: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/production.stamp: requirements/production.txt | $(VENV)/bin/python
	@echo "Installing $<"
	@$(PIP) -r $<
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt | $(VENV)/bin/python
	@echo "Installing $<"
	@$(PIP) -r $<
	@touch $@ $(VENV)/production.stamp

system: | $(VENV)/bin/python
	@$(BIN)/python -m tests.servers.debian
