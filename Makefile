# PaSST Explorer. Needs Python 3.11 and make; everything else is installed into .venv.
#
#   make run      the app, on http://127.0.0.1:7860
#   make test     all tests
#   make check    format, lint, types, tests
#   make bench    the benchmarks, one table each
#   make format   rewrite the sources in the house style

PYTHON ?= $(shell for p in python3.11 python3; do $$p -c '' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check lint types bench format hooks install install-dev python clean

help:
	@sed -n 's/^#   //p' Makefile

run: install
	$(BIN)/python app.py

# One thread for each of the two processes: threads that share a core spend it waiting for each other.
test: install-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: lint types test

lint: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install-dev
	$(BIN)/mypy

bench: install-dev
	@for file in benchmarks/[a-z]*.py; do \
		name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; \
	done

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: install-dev
	$(BIN)/pre-commit install

install: python
	@$(PYTHON) tools/make_venv.py run

install-dev: python
	@$(PYTHON) tools/make_venv.py dev

python:
	@test -n "$(PYTHON)" || { echo "No Python was found: install Python 3.11, or say make PYTHON=/path/to/python3.11" >&2; exit 1; }

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
