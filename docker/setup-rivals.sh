#!/usr/bin/env bash
# Makes .venv-rivals: the other ways to play MiniWoB++, which `make bench` compares surehand with; installs their driver.
# Run again it does nothing; cut off midway, it starts over.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8
exec </dev/null 9<docker/setup-rivals.sh
flock 9  # two setups at once would spoil each other's .venv-rivals

lock=docker/rivals.lock
stamp=.venv-rivals/setup.stamp  # what .venv-rivals was made from; there only when it is whole
programs=(chromium chromium-driver chromium-headless-shell)

die() {
  printf 'setup-rivals: %s\n' "$*" >&2
  exit 2
}

fingerprint() {
  { cat "$lock" docker/setup-rivals.sh && .venv/bin/python -V; } | sha256sum
}

make_venv() {
  rm -rf .venv-rivals && .venv/bin/python -m venv --without-pip .venv-rivals &&
    .venv/bin/python -m pip --python .venv-rivals/bin/python install --no-input --disable-pip-version-check --no-deps \
      -r "$lock" && give_browser
}

# BrowserGym's Playwright looks for a Chromium of its own download, in the mode that is today's headless shell.
give_browser() {
  local revision folder
  revision=$(sed -n '/"name": "chromium"/,/revision/s/.*"revision": "\([0-9]*\)".*/\1/p' \
    .venv-rivals/lib/python3*/site-packages/playwright/driver/package/browsers.json) &&
    folder=.venv-rivals/browsers/chromium-$revision && mkdir -p "$folder/chrome-linux" &&
    ln -s "$(command -v chromium-headless-shell)" "$folder/chrome-linux/chrome" && touch "$folder/INSTALLATION_COMPLETE"
}

install_programs() {
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  "${as_root[@]}" apt-get -o Acquire::Retries=3 update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends "$@"
}

# step TITLE COMMAND...: one line of progress; what the command prints goes to the log.
step() {
  printf 'setup-rivals: %s ... ' "$1"
  if ! "${@:2}" >>"$log" 2>&1 9<&-; then
    printf 'failed after %d s\n' $SECONDS
    { tail -n 15 "$log" && echo "setup-rivals: the full log is $log"; } >&2
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
  echo "setup-rivals: nothing to do"
  exit
fi
free=$(df --output=avail -m . | tail -n 1)
((free > 1000)) || die "only $free MB are free here; .venv-rivals takes 300 MB, the programs as much"

log=$(mktemp --tmpdir surehand-setup-rivals.XXXXXX.log)
trap 'exit 130' INT
[[ ${#missing[@]} == 0 ]] || step "programs: ${missing[*]}" install_programs "${missing[@]}"
if [[ $state != "$(fingerprint)" ]]; then
  step "$(grep -c == "$lock") libraries, browsergym-miniwob and miniwob among them" make_venv
  fingerprint >"$stamp"
fi
rm "$log"
echo "setup-rivals: ready after $SECONDS s"
