#!/usr/bin/env bash
# Makes .venv-tune: ms-swift, which tunes models, beside the torch and transformers of .venv-serve. Needs `make vllm` first.
# Run again it does nothing; cut off midway, it starts over.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8
exec </dev/null 9<docker/setup-tune.sh
flock 9  # two setups at once would spoil each other's .venv-tune

lock=docker/tune-requirements.lock
stamp=.venv-tune/setup.stamp  # what .venv-tune was made from; there only when it is whole

die() {
  printf 'setup-tune: %s\n' "$*" >&2
  exit 2
}

fingerprint() {
  { cat "$lock" && .venv/bin/python -V; } | sha256sum
}

# What .venv-serve has is found through a .pth file, relative to the folder that it lies in.
make_venv() {
  local site
  rm -rf .venv-tune && .venv/bin/python -m venv --without-pip .venv-tune &&
    site=$(.venv-tune/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') &&
    printf '%s\n' "../../../../.venv-serve/${site#*/.venv-tune/}" 'import surehand_torchvision_ops' >"$site/surehand.pth" &&
    .venv/bin/python -m pip --python .venv-tune/bin/python install --no-input --disable-pip-version-check --no-deps \
      --no-compile -r "$lock" &&
    .venv-tune/bin/python -c 'import peft, transformers, swift.pipelines, swift.trainers'
}

.venv/bin/python -c 'import pip' 2>/dev/null || die "there is no .venv yet: run 'make setup' first"
[[ -e .venv-serve/setup.stamp ]] || die "there is no .venv-serve, whose torch and transformers it uses: run 'make vllm' first"
if [[ $(cat "$stamp" 2>/dev/null) == "$(fingerprint)" ]]; then
  echo "setup-tune: nothing to do"
  exit
fi
free=$(df --output=avail -m . | tail -n 1)
((free > 800)) || die "only $free MB are free here; .venv-tune takes 300 MB, and as much again while it is made"

log=$(mktemp --tmpdir surehand-setup-tune.XXXXXX.log)
trap 'exit 130' INT
printf 'setup-tune: %s libraries, ms-swift among them ... ' "$(grep -c == "$lock")"
if ! make_venv >"$log" 2>&1 9<&-; then
  printf 'failed after %d s\n' $SECONDS
  { tail -n 15 "$log" && echo "setup-tune: the full log is $log"; } >&2
  exit 1
fi
fingerprint >"$stamp"
rm "$log"
echo "ready after $SECONDS s"
