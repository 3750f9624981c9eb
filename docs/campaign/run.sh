#!/bin/sh
# Runs a campaign from a fresh clone, with all its set-up: sh docs/campaign/run.sh CAMPAIGN.yaml RESULTS --cores 2
# What follows RESULTS goes to Snakemake. With CLASSES_BIN_DIR the programs there are used, and none are built.
set -eu
[ $# -ge 2 ] || {
    echo "usage: sh docs/campaign/run.sh CAMPAIGN.yaml RESULTS --cores N [what Snakemake takes]" >&2
    exit 2
}
[ -f "$1" ] || {
    echo "run.sh: $1: no such file" >&2
    exit 1
}
campaign=$(realpath "$1")
mkdir -p "$2"
results=$(realpath "$2")
shift 2

cd "$(dirname "$0")/../.."
. docs/setup.sh
python_packages tests/keras/requirements.txt
python_packages docs/campaign/requirements.txt
if [ -z "${CLASSES_BIN_DIR:-}" ]; then
    echo "== building (the first time takes some minutes: HDF5 is compiled and linked in)"
    cargo build --quiet --release --locked --bins
    CLASSES_BIN_DIR=$PWD/target/release
    export CLASSES_BIN_DIR
fi

# The lock ends with the processes that hold it; Snakemake's own would outlive a kill.
set +e
flock --nonblock --conflict-exit-code 75 "$results/.lock" \
    snakemake --snakefile docs/campaign/Snakefile --configfile "$campaign" --directory "$results" --nolock "$@"
code=$?
[ $code != 75 ] || echo "run.sh: $results: another run is at work there" >&2
[ $code != 0 ] || echo "== $results/page.html"
exit $code
