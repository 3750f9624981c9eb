#!/bin/sh
# All tests, with all their set-up: sh tests/run.sh
set -eu
cd "$(dirname "$0")/.."
. docs/setup.sh
need jq jq git git dot graphviz
python_packages docs/requirements-build.txt

step() {
    echo "== $*"
    "$@"
}
step cargo fmt --check
step cargo clippy --locked --quiet --all-targets -- -D warnings
step env RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps --document-private-items
step cargo test --locked
python_packages tests/keras/requirements.txt
step python_package dev
cd src/python
step ruff check .
step ruff format --check .
step mypy
cd ../..
# The package and the filters as they are installed.
step env CLASSES_BIN_DIR="$venv/bin" python -m pytest -q -n 2 --dist loadscope --durations=25 tests/keras
