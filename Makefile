# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: install demo test bench nightly

install: $(STAMP)  ## make .venv with the hash-locked dependencies

$(STAMP): requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP)  ## a simulated company, the real engine, alerts in the terminal
	@$(BIN)/vaultwatch demo

test: $(STAMP)  ## every test but the slow proofs
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow"

bench: $(STAMP)  ## speed, as ratios within one run
	@$(BIN)/python -m benchmarks.page
	@$(BIN)/python -m benchmarks.backtest

nightly: $(STAMP)  ## the slow proofs
	@$(BIN)/pytest -q -n 2 -m slow
