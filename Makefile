# make demo, make test, make lint: each creates the environment it needs in .venv and reuses it afterwards.
# Another interpreter: make test PYTHON=python3.12. Another place for the environment: make test VENV=/tmp/venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Read again when they change: the stamps below are older than them then.
PINS := pyproject.toml constraints.txt

# Waiting threads sleep instead of spinning: on shared cores spinning makes small operations ten times slower.
export OMP_WAIT_POLICY = passive

.PHONY: help demo test lint environment clean

help:
	@echo "make demo         predict with the bundled weights; pictures go to demo_output/"
	@echo "make test         run the tests"
	@echo "make lint         format, lint, types and import contracts"
	@echo "make environment  everything for working on the project, in $(VENV)"
	@echo "make clean        remove $(VENV), demo_output and caches"

demo: $(VENV)/demo-ready
	$(BIN)/python examples/demo.py --output demo_output
	$(BIN)/python examples/several_people.py --output demo_output
	$(BIN)/python examples/tasks.py --output demo_output

# One torch thread per worker: two workers share two cores.
test: export OMP_NUM_THREADS = 1
test: $(VENV)/all-ready
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/all-ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

environment: $(VENV)/all-ready

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The pinned versions need Python 3.11 or newer: make PYTHON=python3.11")'
	@echo "== creating the environment $(VENV)"
	$(PYTHON) -m venv $(VENV) || { rm -f $(BIN)/python; exit 1; }

$(VENV)/demo-ready: $(PINS) | $(BIN)/python
	@echo "== installing what the demo needs (torch is large: a few minutes the first time)"
	$(PIP) install -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/all-ready: $(PINS) | $(BIN)/python
	@echo "== installing everything (torch is large: a few minutes the first time)"
	$(PIP) install -c constraints.txt -e '.[all,dev]'
	@touch $@ $(VENV)/demo-ready

clean:
	@# VENV may be given by hand: only an environment is removed
	if [ -f $(VENV)/pyvenv.cfg ]; then rm -rf $(VENV); fi
	rm -rf demo_output build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +
