# Sourced by the scripts: makes .venv fit pyproject.toml, from nothing or in a moment.
# setup run   what the product needs
# setup dev   the same, the tools of the tests, and Debian's redis-server, faketime and chromium
#             where they can be had

setup() {
    local kind="$1" extra="" stamp
    [ "$kind" = dev ] && extra="[dev]"
    local python
    python="$(find_python)"
    stamp="$kind $("$python" --version) $(cksum <pyproject.toml) $PWD"
    if ! fits "$kind" "$stamp"; then
        echo "setting up .venv ($kind) ..." >&2
        make_venv "$python"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extra"
        echo "$stamp" >".venv/.ready-$kind"
    fi
    if [ "$kind" = dev ]; then
        debian_package redis-server redis-server
        debian_package faketime faketime
        debian_package chromium chromium
    fi
    debian_package git git
    export PATH="$PWD/.venv/bin:$PATH"
}

fits() {
    [ -x .venv/bin/python ] && [ "$(cat ".venv/.ready-$1" 2>/dev/null)" = "$2" ]
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "Python 3.11 or newer is needed and was not found" >&2
    exit 1
}

make_venv() {
    [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1 && return
    rm -rf .venv
    "$1" -m venv .venv 2>/dev/null && return
    # Debian splits ensurepip off; the package carries the version of its own python3.
    rm -rf .venv
    debian_package "" python3-venv
    "$1" -m venv .venv
}

# debian_package COMMAND PACKAGE: installs PACKAGE unless COMMAND is there.
debian_package() {
    [ -n "$1" ] && command -v "$1" >/dev/null && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "no $2 here and no way to install it: what needs it is left out" >&2
        return
    fi
    # RUNLEVEL=1: the package's own service is not wanted.
    { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } >/dev/null 2>&1 ||
        echo "apt-get could not install $2: what needs it is left out" >&2
}
