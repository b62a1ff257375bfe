# Everything sets itself up: a virtual environment in .venv with the versions of constraints.txt. Needs Python 3.11 or newer and nothing else.
SHELL := /bin/sh
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
ARGS ?=
# Processes that the tests are spread over; those with a browser, which is many processes by itself, run one at a time behind the others.
WORKERS ?= 2

.PHONY: help demo test check docs pictures bench bench-check bench-path clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

demo: .venv/ready ## Simulated analyzers, the bridge and a LIS on this machine (ARGS="--tubes 500 --headless")
	$(BIN)/lis-bridge demo $(ARGS)

test: check ## Everything: linters, types, import contracts, tests (ARGS="-k tubes")
ifneq ($(ARGS),)
	$(BIN)/python -m pytest -rs $(ARGS)
else
	$(BIN)/python -m pytest -rs -n $(WORKERS) --dist loadfile --ignore=tests/browser
	$(BIN)/python -m pytest -rs tests/browser
endif

check: .venv/ready-test ## Linters, types and import contracts only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: .venv/ready ## Write the table of drivers into README.md
	$(BIN)/lis-bridge driver list --markdown --into README.md

pictures: .venv/ready-test ## Draw the console's pictures in docs/console anew, with the demo and Debian's chromium
	$(BIN)/python -m pytest -q tests/browser/test_pictures.py --pictures

bench: .venv/ready-bench ## Measure beside other parsers and keep this machine's figures (ARGS="benches/test_hl7.py")
	$(BIN)/python -m pytest -q --benchmark-quiet --keep $(or $(ARGS),benches)
	$(BIN)/python -m benches.plots

bench-check: .venv/ready-bench ## Measure; fail where a ratio is 15 % worse than this machine's kept one
	$(BIN)/python -m pytest -q --benchmark-quiet --hold $(or $(ARGS),benches)

bench-path: .venv/ready-bench ## The whole path over sockets, beside its floor (ARGS="one four --tubes 1000", ARGS="none --grow 100k 1M 10M")
	$(BIN)/python -m benches.whole_path $(ARGS)

clean: ## Remove the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. On Debian and Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "The venv module of $(PYTHON) is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/ready: pyproject.toml constraints.txt hatch_build.py | .venv/bin/python
	$(PIP) -e .
	@touch $@

.venv/ready-test: pyproject.toml constraints.txt hatch_build.py | .venv/bin/python
	$(PIP) -e '.[test]'
	@touch $@ .venv/ready

.venv/ready-bench: pyproject.toml constraints.txt hatch_build.py | .venv/bin/python
	$(PIP) -e '.[bench]'
	@touch $@
