# Every target works in a fresh clone with nothing but Python, pip and make: the first one to run makes
# .venv and installs what it needs. A second run installs nothing, unless pyproject.toml has changed.
#
#   make test ARGS="-k claim"        more arguments for the command behind a target
#   make test PYTHON=python3.13      another Python; `make clean` first, if .venv is there already

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# More than there may be cores: many tests wait for processes of their own most of the time.
JOBS ?= 4

.DEFAULT_GOAL := help
# Installations into one environment must not run at once.
.NOTPARALLEL:
.PHONY: help demo test test-postgres matrix soak chaos lint bench bench-peers docs clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/.installed-demo ## see fair scheduling at work
	$(BIN)/ranch demo $(ARGS)

test: $(VENV)/.installed-test ## run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

matrix: $(VENV)/.installed-test ## run the tests of ranch.celery on several versions of Celery and Python
	$(BIN)/python -m tests.matrix $(ARGS)

soak: $(VENV)/.installed-test ## kill 200 workers over 50,000 jobs, and miss none
	RANCH_TEST_KILLS="[50000, 200]" $(BIN)/python -m pytest tests/celery/test_delivery.py -k killed_workers $(ARGS)

test-postgres: $(VENV)/.installed-test-postgres ## test the example of a store, on a PostgreSQL server of its own
	$(BIN)/python -m pytest -m postgres tests/packaging $(ARGS)

chaos: $(VENV)/.installed-test ## kill, stop and cut off everything while jobs run, and account for each
	$(BIN)/python -m tests.chaos $(ARGS)

lint: $(VENV)/.installed-lint ## check style, types, imports and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell

bench: $(VENV)/.installed-demo,server ## measure, against floors of the same run
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(VENV)/.installed-test ## measure the worker against its peers, each in an environment of its own
	$(BIN)/python -m benchmarks.peers $(ARGS)

docs: $(VENV)/.installed-docs ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -n -W --keep-going -b html docs docs/_build/html $(ARGS)

clean: ## remove .venv, caches and everything built
	rm -rf $(VENV) build dist docs/_build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of extras, so that `make demo` need not fetch the linters.
$(VENV)/.installed-%: pyproject.toml | $(VENV)/.created
	@echo "installing ranch[$*] into $(VENV)"
	@$(PIP) install --editable ".[$*]"
	@touch "$@"

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "ranch needs Python 3.10 or newer, and '$(PYTHON)' is not: $$($(PYTHON) --version 2>&1)"; \
	  echo "name another one: make PYTHON=/path/to/python3.12 ..."; \
	  exit 1; \
	} >&2
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch "$@"
