# Two commands for a fresh machine: `make demo` and `make test`. Both make .venv first.
PYTHON ?= python3
BIN = .venv/bin

demo: .venv/demo
	$(BIN)/tocsin predict data/examples/port.fr.txt

test: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope

# torch first and pinned: pip may otherwise resolve to a build with gigabytes of CUDA.
.venv/test: .venv/demo
	$(BIN)/pip install --quiet --quiet torch==2.13.0
	$(BIN)/pip install --quiet --quiet --editable '.[train,evaluate,dev,ray,peers]'
	touch $@

.venv/demo: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --quiet --upgrade pip
	$(BIN)/pip install --quiet --quiet --editable .
	touch $@

.PHONY: demo test
