#!/bin/sh
# Builds the tools and runs the pipe once, on a small network that reads handwritten digits. What it makes stays in
# target/quickstart to look at.
set -eu
cd "$(dirname "$0")/.."
. docs/setup.sh
need jq jq
python_packages docs/requirements-build.txt

echo "== building (the first time takes some minutes: HDF5 is compiled and linked in)"
python_package

model=$PWD/tests/data/digits-keras3.h5
out=target/quickstart
rm -rf "$out"
mkdir -p "$out"
cd "$out"

step() {
    echo
    echo "== $1"
    echo "\$ $2"
    sh -c "$2"
}
cp "$model" digits.h5
step "1. The graph, as JSON" \
    "h5-config-get digits.h5 > config.json"
step "2. What can be injected" \
    "classes-patch --list config.json"
step "3. A patch that puts a simulator behind the layer conv2d_1: to read, to diff, to keep in git" \
    "classes-patch --after conv2d_1 config.json > conv2d_1.patch.json"
jq -c '.[] | [.op, .path, (.value | if type == "object" then .class_name else . end)]' conv2d_1.patch.json
step "4. What goes wrong, and where: 100 sites drawn from the measured error models" \
    "classes-sites --layer conv2d_1 --count 100 --seed 7 config.json > sites.ndjson"
jq -rs 'group_by(.spatial_class) | map("\(length) \(.[0].spatial_class)") | .[]' sites.ndjson | sort -rn
step "5. The model that misbehaves" \
    "h5-config-set digits.h5 faulty.h5 --sites sites.ndjson < conv2d_1.patch.json"

echo
echo "== In $out:"
ls -l
echo
echo "The tutorial goes on from here (docs/tutorial.md), with one more line for its environment:"
echo "    . target/venv/bin/activate && pip install './src/python[keras]' scipy"
echo "Load the model in Python:"
echo "    import classes_h5, keras"
echo "    model = keras.models.load_model('faulty.h5')"
