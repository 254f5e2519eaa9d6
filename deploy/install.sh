#!/usr/bin/env bash
# Installs what Freshpipe needs to run and be tested on this Debian or Ubuntu machine: only what is missing, and
# nothing when nothing changed. Reads no input. The system's own services are neither started nor restarted.
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly STAMP=var/install.stamp
readonly VENV=.venv
readonly POLICY="${POLICY_RC_D:-/usr/sbin/policy-rc.d}" # another path in tests only

say() { printf 'install: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
have() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

inputs() { cat deploy/install.sh requirements.txt pyproject.toml deploy/local/services/pom.xml; pwd; }
fingerprint() { inputs | sha256sum | cut -d' ' -f1; }

is_complete() {
    [[ -f $STAMP && "$(<"$STAMP")" == "$(fingerprint)" && -x $VENV/bin/freshpipe && -d var/kafka-libs ]] &&
        have java && have mariadbd && have redis-server && "$VENV/bin/python" -c '' 2>/dev/null
}

# The newest Python that the lock file was made for, or a later one.
find_python() {
    local name
    for name in python3.11 python3 python3.12 python3.13; do
        if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and none is on PATH: install it (Debian 12 and Ubuntu 24.04 have one) and run make again"
}

has_java_17() { have java && java -version 2>&1 | grep -Eq 'version "(1[7-9]|[2-9][0-9])'; }

missing_packages() {
    local python=$1
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        echo "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    has_java_17 || echo openjdk-17-jre-headless
    have mvn || echo maven
    have mariadbd && have mariadb-install-db || echo mariadb-server
    have redis-server || echo redis-server
    have setpriv || echo util-linux
}

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif have sudo && { sudo -n true 2>/dev/null || [[ -t 2 ]]; }; then
        sudo "$@"
    else
        fail "these packages are missing and neither root nor sudo is at hand; have them installed and run make again: $packages"
    fi
}

# A fresh MariaDB or Redis package starts its service unless this policy file forbids it; ours are private instances.
forbid_service_starts() {
    [[ -e $POLICY ]] && return
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$POLICY && chmod 755 $POLICY"
    trap 'as_root rm -f "$POLICY"' EXIT
}

install_packages() {
    have apt-get || fail "this machine has no apt-get; install these in its own way and run make again: $packages"
    say "installing $packages"
    forbid_service_starts
    local apt=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold)
    as_root "${apt[@]}" update >&2 || say "the package lists could not be renewed; trying with those at hand"
    # shellcheck disable=SC2086 # one word a package is meant
    as_root "${apt[@]}" install --no-install-recommends $packages >&2 ||
        fail "apt-get could not install $packages: see its message above; is the network up?"
}

install_python() {
    local python=$1
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        say "creating $VENV with $("$python" --version)"
        "$python" -m venv --clear "$VENV" || fail "could not create $VENV: see the message above"
    fi
    local pip=("$VENV/bin/python" -m pip --disable-pip-version-check --no-input -q)
    say "installing the locked Python packages"
    "${pip[@]}" install --require-hashes -r requirements.txt ||
        fail "pip could not install requirements.txt: see its message above; is the network up?"
    "${pip[@]}" install --no-deps --no-build-isolation --no-index --editable . ||
        fail "pip could not install the project itself: see its message above"
}

is_complete && exit 0
[[ -w . ]] || fail "$(pwd) is not writable for $(id -un)"
mkdir -p var
python=$(find_python)
packages=$(missing_packages "$python" | tr '\n' ' ')
if [[ -n $packages ]]; then
    install_packages
fi
install_python "$python"
"$VENV/bin/python" -m deploy.local.fetch_kafka
fingerprint >"$STAMP"
say "done"
