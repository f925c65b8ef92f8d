# `make run` for the site on this machine, `make test` for every check. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip looks up newer versions of itself otherwise; hashes are demanded whatever the machine's settings.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes
export PORT ?= 8000
export EMULATOR_PORT ?= 8400
ARGS ?=
# What a team adds (docs/extend.md).
EXTENSION := $(wildcard extension/requirements.txt)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run dev test check lint format types wheel audit sbom bench faults versions comparison documents troubleshooting soak mutants requirements clean system screenshots

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1@/p' Makefile | while IFS=@ read -r name what; do \
		printf '  make %-13s %s\n' "$$name" "$$what"; done

run: $(VENV)/production.stamp  ## the site with demo people and a local Microsoft (PORT, EMULATOR_PORT)
	@exec $(BIN)/python -m tests.servers.run

dev: $(VENV)/production.stamp  ## the same, reloading when a file changes
	@exec $(BIN)/python -m tests.servers.run --reload

test: $(VENV)/dev.stamp system  ## every check and every test; ARGS="--durations=20", or only ARGS="tests/unit/signin -x"
	@exec $(BIN)/python -m tests.servers.everything $(ARGS)

check: $(VENV)/dev.stamp  ## lint, types, missing migrations and the deployment checks
	@exec $(BIN)/python -m tests.servers.everything --only-checks

lint: $(VENV)/dev.stamp  ## ruff: errors and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev.stamp  ## ruff: fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/dev.stamp  ## mypy, strict
	DEBUG=true $(BIN)/mypy

wheel: $(VENV)/dev.stamp  ## the app for other Django sites: dist/django_microsoft_admin-….whl
	@$(BIN)/python -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation \
		--wheel-dir dist .
	@ls dist/*.whl

audit: $(VENV)/dev.stamp  ## known vulnerabilities in what is pinned (asks an advisory service)
	@$(BIN)/python -m tests.servers.audit

sbom: $(VENV)/dev.stamp  ## a software bill of materials: sbom.cdx.json (CycloneDX)
	@$(BIN)/python -m tests.servers.sbom

bench: $(VENV)/dev.stamp  ## sign-ins against stock allauth: latency, CPU, SQL, Redis commands
	@exec $(BIN)/python -m tests.bench $(ARGS)

faults: $(VENV)/dev.stamp system  ## what breaks a sign-in: the page and doctor's answer, as a table
	@$(BIN)/python -m pytest -q --numprocesses 4 --dist loadfile tests/faults $(ARGS)
	@$(BIN)/python -m tests.faults.catalogue --print

versions: $(VENV)/dev.stamp  ## the tests on other Pythons and Djangos; ARGS="3.13-6.1 --short"
	@exec $(BIN)/python -m tests.servers.versions $(ARGS)

comparison: $(VENV)/dev.stamp  ## other packages on a stock project against the emulator (root, Linux)
	@exec $(BIN)/python -m tests.comparison

documents: $(VENV)/dev.stamp  ## write the tables of docs/ anew from the code
	@for page in test_readme test_architecture_page test_trying_page; do \
		$(BIN)/python -m tests.unit.documents.$$page || exit 1; done
	@$(BIN)/python -m tests.faults.catalogue
	@$(BIN)/python -m tests.journeys.pages
	@DEBUG=true $(BIN)/python manage.py doctor --explain all > docs/doctor.md

troubleshooting: $(VENV)/dev.stamp  ## write the table of faults into docs/troubleshooting.md
	@$(BIN)/python -m tests.faults.catalogue

screenshots: $(VENV)/dev.stamp system  ## take the pictures of docs/admin anew, by the journeys they illustrate
	@SCREENSHOTS=docs/admin $(BIN)/python -m pytest -q -n 0 tests/journeys/test_tasks.py $(ARGS)

soak: $(VENV)/dev.stamp system  ## three instances under load while their parts fail
	@exec $(BIN)/python -m tests.soak $(ARGS)

mutants: $(VENV)/dev.stamp  ## mutation tests of the policy, the state and the tokens
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

requirements: $(VENV)/dev.stamp  ## pin the newest versions that requirements/*.in allow
	cd requirements && for name in base "production -c base.txt" "azure -c production.txt" \
		"telemetry -c azure.txt" "dev -c production.txt -c azure.txt -c telemetry.txt" "hosts -c dev.txt"; do \
		set -- $$name; file=$$1; shift; \
		../$(BIN)/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
			--generate-hashes --no-header "$$file.in" "$$@" --output-file "$$file.txt" || exit 1; \
	done
	@test ! -f extension/requirements.in || $(BIN)/uv pip compile --quiet --no-config --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-header -c requirements/production.txt \
		extension/requirements.in --output-file extension/requirements.txt

clean:  ## remove all that these targets made, the demo database included
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants staticfiles db.sqlite3*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || \
		{ rm -rf $(VENV); echo "The venv module is missing: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/production.stamp: requirements/production.txt $(EXTENSION) | $(VENV)/bin/python
	@echo "Installing $^"
	@$(PIP) $(addprefix -r ,$^)
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt requirements/hosts.txt $(EXTENSION) | $(VENV)/bin/python
	@echo "Installing $^"
	@$(PIP) $(addprefix -r ,$^)
	@touch $@ $(VENV)/production.stamp

system: | $(VENV)/bin/python
	@$(BIN)/python -m tests.servers.debian
