#!/usr/bin/env bash
# Trains both stages on this machine's GPU and on its CPU, on made-up features, compares the two and prints steps per
# second, in under five minutes. Exits with 1 where they differ by more than rounding explains, 2 where it can't run.
# Without a GPU that TensorFlow can use it says so, and compares the CPU with itself. Flags are those of
#   python -m kws.experiments.device_check --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ ! -x .venv/bin/python ]; then
  echo "device_check: there is no .venv: run make setup GPU=1 first" >&2
  exit 2
fi
exec .venv/bin/python -m kws.experiments.device_check "$@"
