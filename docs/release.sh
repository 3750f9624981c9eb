#!/bin/sh
# Makes what can be handed out, into target/release-files, runs the pipe with each and prints checksums:
#     sh docs/release.sh
# A wheel for glibc 2.17 and newer, a .deb of the same programs, static programs where Rust's musl target can be had, and the crate.
# As root, with debootstrap, they are tried in a Debian 11 below target/ as well. Commit first: cargo packages what git has.
set -eu
cd "$(dirname "$0")/.."
. docs/setup.sh
need dpkg-deb dpkg
python_packages docs/requirements-release.txt

out=$PWD/target/release-files
work=$PWD/target/release-work
build=$PWD/target/release-build # kept: the next time is quicker
rm -rf "$out" "$work"
mkdir -p "$out" "$work"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
machine=$(uname -m)

# smoke ROOT BIN: the pipe by the programs in the folder BIN of the system in ROOT, which is empty for this one. Every build
# draws the same sites, to the byte.
smoke() (
    tool() {
        name=$1
        shift
        if [ -n "$root" ]; then chroot "$root" "$bin/$name" --quiet "$@"; else "$bin/$name" --quiet "$@"; fi
    }
    root=$1 bin=$2 at=/smoke
    [ -n "$root" ] || at=$work/smoke
    rm -rf "$root$at"
    mkdir -p "$root$at"
    cp tests/data/digits-keras3.h5 "$root$at/digits.h5"
    tool h5-config-get "$at/digits.h5" >"$root$at/config.json"
    tool classes-patch --list "$at/config.json" >"$root$at/list"
    grep -q conv2d_1 "$root$at/list"
    tool classes-patch --after conv2d_1 "$at/config.json" >"$root$at/patch.json"
    tool classes-sites --layer conv2d_1 --count 100 --seed 7 "$at/config.json" >"$root$at/sites.ndjson"
    tool h5-config-set "$at/digits.h5" "$at/faulty.h5" --sites "$at/sites.ndjson" <"$root$at/patch.json"
    tool h5-config-get "$at/faulty.h5" >"$root$at/faulty.json"
    grep -q ErrorSimulator "$root$at/faulty.json"
    cat "$root$at/sites.ndjson" "$root$at/faulty.json" >"$work/said"
    [ -e "$work/first" ] || cp "$work/said" "$work/first"
    cmp "$work/first" "$work/said"
    rm -r "$root$at"
)

# in_zig TARGET TAG: the wheel whose programs zig has linked for a system; maturin refuses symbols that are newer than its tag.
in_zig() (
    cd src/python
    CARGO_TARGET_DIR=$build python -m maturin build --quiet --zig --release --locked \
        --target "$machine-unknown-linux-$1" --compatibility "$2" --out "$work/$1"
    python -m zipfile -e "$work/$1"/*.whl "$work/$1/files"
    mkdir -p "$work/$1/bin"
    cp "$work/$1/files"/*.data/scripts/* "$work/$1/bin"
    chmod 755 "$work/$1/bin"/*
)

echo "== the wheel (manylinux2014: glibc 2.17 and newer)"
in_zig gnu manylinux2014
cp "$work/gnu"/*.whl "$out"
smoke "" "$work/gnu/bin"
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$out"/*.whl
smoke "" "$work/venv/bin"
"$work/venv/bin/python" -c "import classes_h5"

echo "== the .deb"
if [ ! -x target/release-tools/bin/cargo-deb ]; then
    cargo install --quiet --locked --root target/release-tools --version 3.8.0 cargo-deb
fi
sh docs/install.sh --built "$work/gnu/bin" "$work/files" >/dev/null
target/release-tools/bin/cargo-deb --quiet --no-build --output "$out/"
deb=$(ls "$out"/*.deb)
dpkg-deb -x "$deb" "$work/deb"
smoke "" "$work/deb/usr/bin"

echo "== static programs (musl)"
static=
if rustup target add "$machine-unknown-linux-musl" >/dev/null 2>&1; then
    in_zig musl musllinux_1_2
    static=classes-h5-$version-$machine-static
    sh docs/install.sh --built "$work/musl/bin" "$work/$static" >/dev/null
    cp LICENSE README.md "$work/$static"
    tar -C "$work" --owner=0 --group=0 -czf "$out/$static.tar.gz" "$static"
    smoke "" "$work/$static/bin"
else
    echo "   left out: Rust's target $machine-unknown-linux-musl cannot be had here"
fi

echo "== the crate"
cargo package --quiet --locked --no-verify
cp "target/package/classes-h5-$version.crate" "$out"
tar -C "$work" -xzf "$out/classes-h5-$version.crate"
cargo install --quiet --locked --path "$work/classes-h5-$version" --root "$work/cargo" --target-dir target
smoke "" "$work/cargo/bin"

if [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null 2>&1; then
    echo "== in Debian 11 (glibc 2.31)"
    old=$PWD/target/debian-11
    if [ ! -e "$old/made" ]; then
        rm -rf "$old"
        debootstrap --variant=minbase bullseye "$old" >"$work/debootstrap.log"
        touch "$old/made"
    fi
    mkdir -p "$old/wheel"
    cp "$work/gnu/bin"/* "$old/wheel"
    smoke "$old" /wheel
    cp "$deb" "$old/classes-h5.deb"
    chroot "$old" dpkg -i /classes-h5.deb >/dev/null
    smoke "$old" /usr/bin
    chroot "$old" dpkg --purge classes-h5 >/dev/null
    [ ! -e "$old/usr/bin/classes-patch" ]
    if [ -n "$static" ]; then
        echo "== in an empty root"
        mkdir -p "$work/empty"
        cp "$work/$static/bin"/* "$work/empty"
        smoke "$work/empty" ""
    fi
fi

cd "$out"
sha256sum -- * | tee "$work/SHA256SUMS"
mv "$work/SHA256SUMS" .
