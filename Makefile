# Every target is documented by the text after '##', which `make help` prints.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: setup lock demo web site test lint bench mutants fuzz fuzz-readers kill build-files clean help

python := .venv/bin/python
buildifier := .venv/npm/node_modules/.bin/buildifier

# Settings: make bench BUNDLE=... EMULATOR=renode ENGINE=fxp, make web BUNDLE=... PAGE=..., make demo RUN_DIR=...,
# make setup PYTHON=... GPU=1, make mutants COUNT=... SEED=..., make fuzz MODELS=... BOARD_MODELS=... FUZZ_DIR=... SEED=...,
# make kill KILLS=... SEED=...
RUN_DIR ?= runs/demo
BUNDLE ?= $(RUN_DIR)/bundle
EMULATOR ?= auto
ENGINE ?= fxp,reference,cmsis_nn
PAGE ?= build/keywords.html
COUNT ?= 50
KILLS ?= 200
SEED ?= 0
MODELS ?= 10000
BOARD_MODELS ?= 2000
FUZZ_DIR ?= runs/fuzz
SECONDS = 60
export PYTHON GPU

# Test files at a time, each with its core: those of one file share what they set up. Three at a time where many wait, for
# machines of a cluster or pages of a browser. They begin in the order of their names, or the longest first (LONGEST in
# tests/conftest.py). What several files compile is compiled once (tests/compiled_engine.py, export/host/kept_objects.py), and
# trainings are of a small network (small_network in tests/conftest.py). Files without slow tests are not imported for them. The
# slowest tests are named at the end.
at_a_time = --numprocesses=$(1) --dist=loadfile --no-loadscope-reorder --durations=40 --durations-min=2

# Files of the project itself: what git tracks, or all there is where git isn't (an unpacked archive).
# The C in models/ is generated.
c_files = $(wildcard $(shell git ls-files -- '*.c' '*.h' ':!models' 2>/dev/null || find microcontroller tests -name '*.[ch]'))

setup: ## make .venv, install Python packages, Arm compiler and QEMU (only what is missing; GPU=1: CUDA too)
	@scripts/setup.sh

lock: setup ## write requirements.txt again, all packages with hashes, from requirements.in
	@scripts/setup.sh lock

demo: setup ## speech to trained model to firmware to instruction count, on synthetic speech (RUN_DIR=runs/demo)
	$(python) -m kws.demo --run_dir=$(RUN_DIR)

web: BUNDLE = models/w4a4
web: setup ## a page that listens in a browser, from a bundle with a detector (BUNDLE=models/w4a4, PAGE=build/keywords.html)
	@scripts/setup.sh browser
	$(python) -m microcontroller.web_page --bundle=$(BUNDLE) --page=$(PAGE)

site: setup ## the documents, the reference from docstrings, pages that listen and a report as a web site, in build/site (SOURCE=URL)
	@scripts/setup.sh browser
	@scripts/setup.sh docs
	$(python) -m scripts.web_site --folder=build/site $(if $(SOURCE),--source=$(SOURCE))

test: lint ## lint, then the fast tests, then the slow ones
	@scripts/setup.sh browser
	@scripts/setup.sh riscv
	$(python) -m pytest -m "not slow" $(call at_a_time,2)
	$(python) -m pytest -m slow $(call at_a_time,3) $$(grep -rl 'mark\.slow' tests --include='test_*.py' | sort)

lint: setup ## ruff, mypy, clang-format and buildifier, all of them only checking
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(if $(strip $(c_files)),.venv/bin/clang-format --dry-run -Werror $(c_files))
	@if [ -x $(buildifier) ]; then $(buildifier) -mode=check BUILD MODULE.bazel; \
	else echo "skipped: buildifier is not installed (needs npm), BUILD is checked by tests/test_build_files.py alone"; fi

bench: setup ## a bundle on an emulated Cortex-M4, beside CMSIS-NN (BUNDLE=..., EMULATOR=auto); rewrites baseline.json
	$(python) -m microcontroller.baseline --write
	$(python) -m microcontroller.bench --bundle=$(BUNDLE) --emulator=$(EMULATOR) --engine=$(ENGINE)

mutants: setup ## change bounds, formats, integers and costs at random, list what no test notices (COUNT=50, SEED=0)
	$(python) -m scripts.mutants --count=$(COUNT) --seed=$(SEED)

fuzz: setup ## random models on this machine and emulated boards against the interpreter, until done (MODELS=10000, SEED=0)
	$(python) -m export.fuzz --models=$(MODELS) --seed=$(SEED) --folder=$(FUZZ_DIR)/host-$(SEED) --json=$(FUZZ_DIR)/host-$(SEED).json
	$(python) -m microcontroller.fuzz --models=$(BOARD_MODELS) --seed=$(SEED) --folder=$(FUZZ_DIR)/boards-$(SEED) --json=$(FUZZ_DIR)/boards-$(SEED).json

kill: setup ## kill commands at their writes and at random moments, compare what they leave (KILLS=200, SEED=0)
	$(python) -m scripts.kills --kills=$(KILLS) --seed=$(SEED)

fuzz-readers: setup ## coverage-guided: reports, bundles, JSON, arrays, recordings, the C front end and detector (SECONDS=60)
	@scripts/setup.sh fuzzers
	$(python) -m scripts.fuzz_readers --seconds=$(SECONDS) --folder=$(FUZZ_DIR)/readers

build-files: setup ## rewrite BUILD from the source files that git tracks
	$(python) -m scripts.update_build

clean: ## remove build outputs and caches (.venv, .python and runs stay)
	rm -rf build .pytest_cache .ruff_cache .mypy_cache *.egg-info
	find kws_cli export kws microcontroller quant scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## print this list
	@awk -F ': .*## |: ## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
