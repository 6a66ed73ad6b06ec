#!/bin/sh
# An older Debian to freeze in: `base.sh bullseye FOLDER` makes it, with SQLite and Python 3.11 built
# from Debian's own newer source: that Debian has Python 3.9, and an SQLite without STRICT tables.
# What is frozen in it runs on its glibc and newer.
# Needs root, debootstrap, a mirror that has the suite. Then, in the checkout:
#   base.sh enter FOLDER python3.11 tools/start.py package linux
set -eu
if [ "$1" = enter ]; then
    base=$2
    shift 2
    # An environment of its own in the place of the checkout's, which is of this machine's Python.
    mkdir -p "$base$PWD" "$base/srv/venv" .venv
    exec unshare --mount sh -euc '
        base=$1 here=$2
        shift 2
        mount --bind "$here" "$base$here"
        mount --bind "$base/srv/venv" "$base$here/.venv"
        mount -t proc none "$base/proc"
        mount --bind /dev "$base/dev"
        cp /etc/resolv.conf /etc/hosts "$base/etc/"
        # The keys of this machine, which may stand between it and a registry.
        cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/ca-certificates.crt"
        # Where this machine gets packages from: seen in there, and not left there.
        for file in /etc/pip.conf "$HOME/.config/pip/pip.conf"; do
            [ -f "$file" ] || continue
            mkdir -p "$base$(dirname "$file")"
            touch "$base$file"
            mount --bind "$file" "$base$file"
        done
        exec chroot "$base" sh -c "cd \"\$0\" && exec \"\$@\"" "$here" "$@"
    ' sh "$base" "$PWD" "$@"
fi
suite=$1 base=$2
tools=gcc,make,binutils,tcl,dpkg-dev,xz-utils,ca-certificates,git,libegl1,libgles2
libraries=zlib1g-dev,libssl-dev,libffi-dev,liblzma-dev,libbz2-dev,uuid-dev
windows=libxkbcommon-x11-0,libxcb-icccm4,libxcb-image0,libxcb-keysyms1,libxcb-render-util0,libxcb-xinerama0,libxcb-shape0,libxcb-randr0,libxcb-xkb1,libdbus-1-3,libglib2.0-0,libfontconfig1,libgl1,libx11-xcb1
[ -f "$base/.system" ] || debootstrap --variant=minbase --include="$tools,$libraries,$windows,libusb-1.0-0" "$suite" "$base"
touch "$base/.system"
cp /etc/resolv.conf /etc/hosts "$base/etc/"
sed -n "s/^deb \(.*\) $suite .*/deb-src \1 bookworm main/p" "$base/etc/apt/sources.list" >"$base/etc/apt/sources.list.d/source.list"
chroot "$base" sh -euc '
    command -v python3.11 >/dev/null && exit 0
    apt-get update -qq
    mkdir -p /usr/src/sqlite && cd /usr/src/sqlite
    apt-get source -qq --download-only sqlite3
    tar --strip-components=1 -xf sqlite3_*.orig.tar.*
    ./configure --quiet --prefix=/usr/local --disable-tcl --disable-static --disable-readline
    make -s -j"$(nproc)" >/dev/null
    make -s install >/dev/null
    ldconfig
    mkdir -p /usr/src/python && cd /usr/src/python
    apt-get source -qq --download-only python3.11
    tar --strip-components=1 -xf python3.11_*.orig.tar.*
    ./configure --quiet --prefix=/usr/local --enable-shared --without-static-libpython LDFLAGS=-Wl,-rpath,/usr/local/lib
    make -s -j"$(nproc)" >/dev/null
    make -s install >/dev/null
    ldconfig
'
chroot "$base" python3.11 --version
