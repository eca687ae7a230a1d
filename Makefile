PYTHON ?= python3
VENV ?= .venv
PHOTO ?= docs/samples/rocket.jpg
MINUTES ?= 10
SEED ?= 0
CASES ?= 1000000000

BIN := $(VENV)/bin
DREAM := dreams/$(basename $(notdir $(PHOTO))).png
BUILD := pyproject.toml setup.py $(wildcard engine/onnxdream/*/*.px*)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help dream test lint torch-test bench clean sanitize fuzz fuzz-guided soak threads

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo 'PYTHON=$(PYTHON) makes the virtual environment $(VENV); PHOTO=$(PHOTO) is dreamed.'

dream: $(VENV)/.cpu  ## dream the sample photograph
	@mkdir -p dreams
	$(BIN)/onnxdream dream '$(PHOTO)' -o '$(CURDIR)/$(DREAM)'

test: $(VENV)/.dev  ## run the tests that need neither torch nor a GPU
	$(BIN)/python -m pytest

lint: $(VENV)/.dev  ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

torch-test: $(VENV)/.dev  ## install torch and compare gradients with torch.autograd
	$(BIN)/pip install torch==2.13.0
	$(BIN)/python -m pytest -m torch

bench: $(VENV)/.dev  ## install torch, OpenCV and SciPy, measure against them, fill the README's tables
	$(BIN)/pip install torch==2.13.0 opencv-python-headless scipy
	$(BIN)/python benchmarks/run.py

sanitize: $(VENV)/.dev  ## run the kernels' tests, and attack the operators, under AddressSanitizer
	PYTHON='$(abspath $(BIN)/python)' scripts/sanitize.sh -q

threads: $(VENV)/.dev  ## run the operators on many threads under ThreadSanitizer
	PYTHON='$(abspath $(BIN)/python)' scripts/sanitize_threads.sh

fuzz: $(VENV)/.dev  ## attack it for MINUTES (10) with damaged files and odd settings of SEED
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES) --seed $(SEED) --cases $(CASES)

fuzz-guided: $(VENV)/.dev  ## let coverage guide the damage, for MINUTES; installs atheris
	$(BIN)/pip install atheris==3.0.0
	$(BIN)/python tests/fuzz/guided.py --minutes $(MINUTES) --seed $(SEED)

soak: $(VENV)/.dev  ## dream for some minutes in one process, and see that nothing grows
	$(BIN)/python tests/fuzz/soak.py

clean:  ## remove everything that was made
	rm -rf $(VENV) dreams findings build dist engine/*.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	rm -f $(foreach end,c h so,engine/onnxdream/*/*.$(end))
	find engine models scripts tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "onnxdream needs Python 3.11 or newer, and $(PYTHON) is %d.%d: say make PYTHON=python3.11, or what yours is called." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.cpu: $(VENV)/pyvenv.cfg $(BUILD)
	$(BIN)/pip install -e '.[cpu]'
	@touch $@

# What is installed stays as it is, so that nothing is compiled again.
$(VENV)/.dev: $(VENV)/.cpu
	$(BIN)/pip install 'onnxdream[cpu,dev]'
	@touch $@
