# Sourced by docs/quickstart.sh and tests/run.sh in the repository's root: brings a fresh Debian machine with Rust,
# Python 3 and a C compiler to where the project builds. Python packages go to target/venv, nowhere else.

# need COMMAND PACKAGE ...: installs the Debian packages whose commands are missing, or says which they are.
need() {
    missing=
    while [ $# -gt 1 ]; do
        command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
        shift 2
    done
    # Debian splits venv from python3; the module is there without what it needs to make one.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "== installing$missing"
        apt-get update -qq
        # shellcheck disable=SC2086  # a list of names
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    else
        echo "These Debian packages are missing:$missing" >&2
        echo "Install them (as root: apt-get install$missing) and run this again." >&2
        exit 1
    fi
}

# python_packages FILE: a virtual environment with what FILE lists; made once, and again when FILE changes.
python_packages() {
    venv=$PWD/target/venv
    stamp=$venv/.$(basename "$1").$(cksum <"$1" | tr ' ' -)
    if [ ! -e "$stamp" ]; then
        echo "== installing the Python packages of $1"
        [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$1"
        touch "$stamp"
    fi
    PATH=$venv/bin:$PATH
    export PATH
}

# python_package [PROFILE]: what is shipped, the filters and the package classes_h5, into the same environment; the build
# in target/ is used again.
python_package() {
    CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} MATURIN_PEP517_ARGS="--locked --profile ${1:-release}" \
        python -m pip install --quiet --disable-pip-version-check --no-build-isolation ./src/python
}

for tool in cargo cc python3; do
    command -v $tool >/dev/null 2>&1 || {
        echo "$tool is missing: Rust (https://rustup.rs), a C compiler and Python 3 are what this starts from." >&2
        exit 1
    }
done

# HDF5 is built from source with the CMake and ninja of PyPI: Debian's CMake is too old for it.
CMAKE_GENERATOR=Ninja
export CMAKE_GENERATOR
