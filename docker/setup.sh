#!/usr/bin/env bash
# Makes a machine ready for surehand: system packages, .venv, the pinned libraries, surehand itself.
# Run again it does nothing; cut off midway, it mends what it left.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8
exec </dev/null 9<docker/setup.sh
flock 9  # two setups at once would spoil each other's .venv

stamp=.venv/setup.stamp  # what .venv was made from; `unfinished` or `installing` while it may be broken
pip=(.venv/bin/python -m pip install --no-input --disable-pip-version-check --no-deps)
count=0
steps=4

die() {
  printf 'setup: %s\n' "$*" >&2
  exit 2
}

# step TITLE COMMAND...: one line of progress; what the command prints goes to the log.
step() {
  local title=$1 began=$SECONDS
  shift
  count=$((count + 1))
  printf '[%d/%d] %s ... ' "$count" "$steps" "$title"
  if "$@" >>"$log" 2>&1 9<&-; then  # a daemon that apt starts must not inherit the lock
    printf '%d s\n' $((SECONDS - began))
  else
    printf 'failed after %d s\n' $((SECONDS - began))
    { tail -n 15 "$log" && echo "setup: step $count failed; the full log is $log"; } >&2
    exit 1
  fi
}

packages() {
  awk -v skip="$1" '{ sub(/#.*/, "") } /^\[/ { section = $1; next } NF && section != skip { print $1 }' docker/packages.txt
}

installed() {
  dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p'
}

# Runs a command as root, and again for five minutes while another process holds a lock of apt or dpkg.
patiently() {
  local tries=60
  until "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a "$@"; do
    tail -n 5 "$log" | grep -qiw 'lock\|locked' && ((--tries)) || return 1
    sleep 5
  done
}

install_packages() {
  patiently dpkg --configure -a &&  # after an installation that was cut off
    patiently apt-get -o Acquire::Retries=3 update &&
    patiently apt-get -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold install -y --no-install-recommends "$@"
}

usable() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
  local python
  for python in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    usable "$python" && echo "$python" && return
  done
  return 1
}

make_venv() {
  rm -rf .venv && mkdir .venv && echo unfinished >"$stamp" && "$1" -m venv .venv
}

install_libraries() {
  echo installing >"$stamp" && "${pip[@]}" -r docker/requirements.lock && echo libraries >"$stamp"
}

# A pip that stopped before it wrote anything, say without network, has spoilt nothing: .venv need not be made anew.
spare_venv() {
  [[ $(cat "$stamp" 2>/dev/null) != installing ]] || grep -q '^Installing collected' "$log" || echo untouched >"$stamp"
}

# The plugin is part of it because its installation copies it.
fingerprint() {
  local parts=(docker/packages.txt docker/requirements.lock pyproject.toml agent/scripting/plugin/surehand_pytest.py)
  { cat "${parts[@]}" && .venv/bin/python -V; } 2>/dev/null | sha256sum
}

system=$(. /etc/os-release 2>/dev/null && echo "$ID${VERSION_ID:+ $VERSION_ID}") || system=unknown
skip=none
case $system in
  "debian 12" | "debian 13") ;;
  "ubuntu 22.04" | "ubuntu 24.04") skip="[browser]" steps=5 ;;
  *) die "this is '$system', but surehand knows Debian 12, 13 and Ubuntu 22.04, 24.04: use one of them, or an image (docker/)" ;;
esac

mapfile -t missing < <(comm -23 <(packages "$skip" | sort) <(installed | sort -u))
state=$(cat "$stamp" 2>/dev/null || true)
if [[ ${#missing[@]} == 0 && $state == "$(fingerprint)" ]]; then
  echo "setup: nothing to do"
  exit
fi

as_root=()
if [[ ${#missing[@]} != 0 && $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || die "needs root for 'apt-get install ${missing[*]}': run it as root, or install sudo"
  as_root=(sudo)
fi

log=$(mktemp --tmpdir surehand-setup.XXXXXX.log)
if [[ $state == installing ]]; then  # the last setup died at it
  state=unfinished
  echo unfinished >"$stamp"
fi
trap 'exit 130' INT
trap spare_venv EXIT
[[ $system == "debian 12" ]] || echo "setup: tested on Debian 12 only, not yet on $system"

if [[ ${#missing[@]} == 0 ]]; then
  step "system packages: all there" true
else
  step "system packages: ${#missing[@]} to install" install_packages "${missing[@]}"
fi

if [[ $state != unfinished ]] && usable .venv/bin/python && .venv/bin/python -c 'import pip' 2>/dev/null; then
  step ".venv: kept" true
else
  python=$(find_python) || die "found no Python 3.11, 3.12 or 3.13 with venv (Ubuntu 22.04 ships 3.10): install one," \
    "for example python3.12 and python3.12-venv from the deadsnakes PPA, and run 'make setup' again"
  step ".venv: new, from $("$python" -V)" make_venv "$python"
fi

step "libraries: $(grep -c == docker/requirements.lock) pinned" install_libraries
step "surehand itself" "${pip[@]}" -e .
[[ $skip == none ]] || step "Chromium, by Playwright" .venv/bin/playwright install --with-deps chromium
fingerprint >"$stamp"

rm "$log"
echo "setup: ready after $SECONDS s"
