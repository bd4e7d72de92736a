#!/usr/bin/env bash
# Makes .venv-osworld: OSWorld's own client, which sets up and judges its tasks; and installs the programs that its tasks use.
# Run again it does nothing; cut off midway, it starts over.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8
exec </dev/null 9<docker/setup-osworld.sh
flock 9  # two setups at once would spoil each other's .venv-osworld

lock=docker/osworld.lock
stamp=.venv-osworld/setup.stamp  # what .venv-osworld was made from; there only when it is whole
programs=(bc gimp gnome-shell-common gnome-terminal jq libreoffice-impress socat)

die() {
  printf 'setup-osworld: %s\n' "$*" >&2
  exit 2
}

fingerprint() {
  { cat "$lock" env/inside/osworld_worker.py && .venv/bin/python -V; } | sha256sum
}

make_venv() {
  rm -rf .venv-osworld && .venv/bin/python -m venv --without-pip .venv-osworld &&
    .venv/bin/python -m pip --python .venv-osworld/bin/python install --no-input --disable-pip-version-check --no-deps \
      -r "$lock" &&
    .venv-osworld/bin/python env/inside/osworld_worker.py names >.venv-osworld/names.json
}

install_programs() {
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  "${as_root[@]}" apt-get -o Acquire::Retries=3 update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends "$@"
}

# step TITLE COMMAND...: one line of progress; what the command prints goes to the log.
step() {
  printf 'setup-osworld: %s ... ' "$1"
  if ! "${@:2}" >>"$log" 2>&1 9<&-; then
    printf 'failed after %d s\n' $SECONDS
    ! grep -Eq 'NewConnectionError|NameResolutionError|Temporary failure resolving|Could not connect|ConnectTimeoutError' "$log" ||
      die "the network is not there, and what is missing lies on it; run this again when it is. The full log is $log"
    { tail -n 15 "$log" && echo "setup-osworld: the full log is $log"; } >&2
    exit 1
  fi
  echo done
}

.venv/bin/python -c 'import pip' 2>/dev/null || die "there is no .venv yet: run 'make setup' first"
as_root=()
mapfile -t missing < <(comm -23 <(printf '%s\n' "${programs[@]}") \
  <(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u))
state=$(cat "$stamp" 2>/dev/null || true)
if [[ ${#missing[@]} == 0 && $state == "$(fingerprint)" ]]; then
  echo "setup-osworld: nothing to do"
  exit
fi
free=$(df --output=avail -m . | tail -n 1)
((free > 2500)) || die "only $free MB are free here; .venv-osworld takes 900 MB, the programs 500, and as much again while they are made"

log=$(mktemp --tmpdir surehand-setup-osworld.XXXXXX.log)
trap 'exit 130' INT
[[ ${#missing[@]} == 0 ]] || step "programs: ${missing[*]}" install_programs "${missing[@]}"
if [[ $state != "$(fingerprint)" ]]; then
  step "$(grep -c == "$lock") libraries, desktop-env among them" make_venv
  fingerprint >"$stamp"
fi
rm "$log"
echo "setup-osworld: ready after $SECONDS s"
