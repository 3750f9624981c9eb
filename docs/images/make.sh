#!/bin/sh
# Makes the README's pictures, with the tools and Graphviz on the path: sh docs/images/make.sh [FOLDER]
set -eu
here=$(dirname "$0")
folder=${1:-$here}
model=$here/../../tests/data/digits-keras3.h5

classes-sites --shape 27,27,16 --operator conv_gemm --range-min -4 --range-max 4 --count 6 --seed 26 --quiet |
    classes-plot --columns 3 >"$folder/sites.svg"

h5-config-get "$model" | classes-patch --dot --after conv2d_1 >"$folder/graph.dot"
if command -v dot >/dev/null 2>&1; then
    dot -Tsvg "$folder/graph.dot" >"$folder/graph.svg"
fi
