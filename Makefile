# Everything a fresh machine with Python 3.11+ and make needs: each target sets up what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := infra/samples/nyc311-requests.csv
# Behind a proxy with a certificate of its own, only the machine's store knows it.
CERTS := $(if $(wildcard /etc/ssl/certs/*),--system-certs)
PACKAGES := domain projections consumers api infra

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long check format bench clean

help:
	@echo "make run        set up, start everything, load real cases and a simulated day, serve until Ctrl-C"
	@echo "make test       set up and run the tests"
	@echo "make test-long  the crash tests with 50 kills for every combination of store and log"
	@echo "make check      format, lint, types, imports"
	@echo "make bench      the speed figures, side by side with their limits"

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "liudan needs Python 3.11 or newer; say PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv sync --quiet $(CERTS) --locked --inexact --all-extras --compile-bytecode --python $(BIN)/python
	@touch $@

run: setup
	@LIUDAN_DEV_IDENTITY=$${LIUDAN_DEV_IDENTITY:-1} $(BIN)/liudan up --sample $(SAMPLE) --simulate 500 $(ARGS)

test: setup
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

test-long: setup
	@LIUDAN_KILLS=50 $(BIN)/pytest -m crash $(ARGS)

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(foreach package,$(PACKAGES),-p $(package)) -p tests
	@$(BIN)/lint-imports

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup
	@$(BIN)/liudan bench $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
