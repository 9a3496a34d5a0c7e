# make demo shows the flow; make test checks everything. Both need Python 3.11 or later; the tests of pages need Chromium too.
.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench evaluate lock

PYTHONS := python3.13 python3.12 python3.11 python3
USABLE := import sys, venv, ensurepip; raise SystemExit(sys.version_info < (3, 11))
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
UV_LOCK := .venv/bin/python -m uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	--python-version 3.11 pyproject.toml

# Tests of the flow wait for other processes most of the time; each worker has servers of its own.
WORKERS ?= 2

help:
	@echo "make install    the command, in .venv/bin/priorauth"
	@echo "make demo       the whole flow with real servers; ARGS=--once ends after one run"
	@echo "make test       lint, types, walls and every test; ARGS passes on to pytest, WORKERS=0 runs them in one process"
	@echo "make lint       ruff, mypy and import-linter alone"
	@echo "make bench      the load that README quotes, into benchmarks/results.json"
	@echo "make evaluate   accuracy over the cases in tests/cases"
	@echo "make lock       renews the lock files after a change of pyproject.toml"

install: .venv/.installed

# Made anew whenever what it is made from changes, so that it holds what the lock says and nothing else.
.venv/.installed: pyproject.toml requirements.lock
	@for python in $(PYTHONS); do \
		if $$python -c '$(USABLE)' 2>/dev/null; then exec $$python -m venv --clear .venv; fi; \
	done; \
	echo "No usable Python was found: install Python 3.11 or later with its venv module, then run make again." >&2; \
	exit 1
	@echo "Installing into .venv; the first time takes a minute." >&2
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.bench: .venv/.installed requirements-bench.lock
	@$(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@

demo: install
	@.venv/bin/priorauth demo $(ARGS)

lint: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

test: lint
	.venv/bin/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

bench: .venv/.bench
	.venv/bin/python -m benchmarks.run $(ARGS)

evaluate: install
	.venv/bin/python -m tests.support.evaluate $(ARGS)

# Renewed from nothing, so that every pin is the newest that pyproject.toml allows.
lock: install
	$(UV_LOCK) --upgrade --extra embedded --extra dense --extra archive --group build --group dev --group weights --output-file requirements.lock
	$(UV_LOCK) --constraint requirements.lock --extra embedded --extra dense --extra archive --group bench --output-file requirements-bench.lock
	$(UV_LOCK) --constraint requirements.lock --extra archive --group build --output-file deploy/requirements.lock
