# The two commands do all their own set-up: Python 3.11 or later and make are enough.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test quick cards lint format bench clean

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; found $$($(PYTHON) -V). Set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# The main job on embedded data, no network: train, refine, judge, report.
demo: $(STAMP)
	$(BIN)/likeness demo

# What must hold: style, types, tests, and the cards on a small budget.
test: lint quick cards

quick: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

cards: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/likeness reproduce --all --quick

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Ratios against peers and hand-written loops; each prints a table and writes benchmarks/results/*.json
bench: $(STAMP)
	for f in benchmarks/bench_*.py; do $(BIN)/python $$f || exit 1; done

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis runs
