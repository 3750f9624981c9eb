#!/bin/sh
# Builds the tools and installs them with their man pages and completions (bash, zsh, fish):
#     sh docs/install.sh [PREFIX]                   PREFIX is ~/.local where none is given
#     sh docs/install.sh --uninstall [PREFIX]       takes away what the former put there
#     sh docs/install.sh --built FOLDER [PREFIX]    installs the programs in a folder, and builds none
set -eu

tools="h5-config-get classes-patch classes-sites h5-config-set classes-plot classes-diff classes-fit"

# files TOOL: what is installed for a tool, the form it has and its place below PREFIX.
files() {
    echo "program bin/$1"
    echo "man share/man/man1/$1.1"
    echo "bash share/bash-completion/completions/$1"
    echo "zsh share/zsh/site-functions/_$1"
    echo "fish share/fish/vendor_completions.d/$1.fish"
}

uninstall=
built=
if [ "${1-}" = --uninstall ]; then
    uninstall=yes
    shift
elif [ "${1-}" = --built ] && [ $# -gt 1 ]; then
    built=$(cd "$2" && pwd)
    shift 2
fi
case ${1-} in
    -*)
        echo "usage: sh docs/install.sh [--uninstall | --built FOLDER] [PREFIX]" >&2
        exit 2
        ;;
esac
prefix=${1:-$HOME/.local}
# A relative PREFIX is one of the folder that this was called in.
case $prefix in
    /*) ;;
    *) prefix=$PWD/$prefix ;;
esac

cd "$(dirname "$0")/.."
if [ -n "$uninstall" ]; then
    for tool in $tools; do
        files "$tool" | while read -r _ place; do rm -f "$prefix/$place"; done
    done
    echo "Taken away from $prefix."
    exit
fi

if [ -z "$built" ]; then
    . docs/setup.sh
    need
    python_packages docs/requirements-build.txt
    echo "== building (the first time takes some minutes: HDF5 is compiled and linked in)"
    cargo build --quiet --release --locked --bins
    built=${CARGO_TARGET_DIR:-target}/release
fi
for tool in $tools; do
    files "$tool" | while read -r form place; do
        mkdir -p "$(dirname "$prefix/$place")"
        # Under another name first, so that a running program is not written into.
        if [ "$form" = program ]; then
            cp "$built/$tool" "$prefix/$place.new"
        else
            "$built/$tool" --generate "$form" >"$prefix/$place.new"
        fi
        mv "$prefix/$place.new" "$prefix/$place"
    done
done
echo "Installed in $prefix: $tools"
case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) echo "Put $prefix/bin on your PATH to call them by name." ;;
esac
echo "sh docs/install.sh --uninstall $prefix takes them away again."
