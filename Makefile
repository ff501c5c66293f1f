# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: install demo test bench nightly

install: $(STAMP)  ## make .venv with the hash-locked dependencies

$(STAMP): requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q detector
	@touch $(STAMP)

demo: $(STAMP)  ## a simulated company, the real engine, alerts in the terminal
	@$(BIN)/vaultwatch demo

test: $(STAMP)  ## every test but the slow proofs
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow"

bench: $(STAMP)  ## speed, as ratios within one run
	@$(BIN)/python -m benchmarks.page
	@$(BIN)/python -m benchmarks.start
	@$(BIN)/python -m benchmarks.backtest
	@$(BIN)/python -m benchmarks.features
	@$(BIN)/python -m benchmarks.flood
	@$(BIN)/python -m benchmarks.rules

nightly: $(STAMP)  ## the slow proofs
	@$(BIN)/pytest -q -n 2 -m slow
