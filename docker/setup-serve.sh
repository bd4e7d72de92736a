#!/usr/bin/env bash
# Makes .venv-serve: vLLM on the CPU, apart from surehand's own libraries. Needs `make setup` first.
# Run again it does nothing; cut off midway, it starts over. torch comes from where pip is told to look, else from
# $SUREHAND_TORCH_INDEX, by default PyTorch's own index of CPU builds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8
exec </dev/null 9<docker/setup-serve.sh
flock 9  # two setups at once would spoil each other's .venv-serve

index=${SUREHAND_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}
lock=docker/serve-requirements.lock
hook=agent/serving/torchvision_ops.py
stamp=.venv-serve/setup.stamp  # what .venv-serve was made from; there only when it is whole
pip=(.venv/bin/python -m pip --python .venv-serve/bin/python install --no-input --disable-pip-version-check --no-deps
     --no-compile)  # Python compiles what it imports, a small part of all this
count=0
steps=3

die() {
  printf 'setup-serve: %s\n' "$*" >&2
  exit 2
}

# step TITLE COMMAND...: one line of progress; what the command prints goes to the log.
step() {
  local title=$1 began=$SECONDS
  shift
  count=$((count + 1))
  printf '[%d/%d] %s ... ' "$count" "$steps" "$title"
  if "$@" >>"$log" 2>&1 9<&-; then
    printf '%d s\n' $((SECONDS - began))
  else
    printf 'failed after %d s\n' $((SECONDS - began))
    { tail -n 15 "$log" && echo "setup-serve: step $count failed; the full log is $log"; } >&2
    exit 1
  fi
}

fingerprint() {
  { cat "$lock" "$hook" && .venv/bin/python -V; } | sha256sum
}

make_venv() {
  rm -f "$stamp" && rm -rf .venv-serve && .venv/bin/python -m venv --without-pip .venv-serve
}

install_torch() {
  local torch
  torch=$(grep '^torch==' "$lock")
  "${pip[@]}" "$torch" || "${pip[@]}" --index-url "$index" "$torch"
}

# torch is as large as all the rest: with the rest beside it, two processors are busy.
install_libraries() {
  local torch rest=.venv-serve/rest.lock status=0
  grep -v '^torch==' "$lock" >"$rest"
  install_torch &
  torch=$!
  "${pip[@]}" -r "$rest" || status=$?
  wait "$torch" && return "$status"
}

# torchvision must be importable in every process that vLLM starts, hence the .pth file; then everything is tried once.
add_hook() {
  local site
  site=$(.venv-serve/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  cp "$hook" "$site/surehand_torchvision_ops.py"
  echo 'import surehand_torchvision_ops' >"$site/surehand.pth"
  .venv-serve/bin/python -c 'import torchvision, vllm.entrypoints.openai.api_server, vllm.model_executor.models.qwen3_vl'
}

[[ $(uname -sm) == "Linux x86_64" ]] || die "the pinned CPU build of vLLM is for Linux on x86_64, not $(uname -sm);" \
  "use a vLLM server elsewhere, with --model http://host:port/v1"
.venv/bin/python -c 'import pip' 2>/dev/null || die "there is no .venv yet: run 'make setup' first"
ldconfig -p | grep -q 'libnuma\.so\.1 ' || die "vLLM needs libnuma: run 'apt-get install libnuma1' as root"

if [[ $(cat "$stamp" 2>/dev/null) == "$(fingerprint)" ]]; then
  echo "setup-serve: nothing to do"
  exit
fi
free=$(df --output=avail -m . | tail -n 1)
((free > 4000)) || die "only $free MB are free here; .venv-serve takes 2 GB, and as much again while it is made"

log=$(mktemp --tmpdir surehand-setup-serve.XXXXXX.log)
trap 'exit 130' INT

step ".venv-serve: new, from $(.venv/bin/python -V)" make_venv
step "libraries: $(grep -c == "$lock") pinned, torch and vLLM for the CPU among them" install_libraries
step "torchvision's operators, and a trial import" add_hook
fingerprint >"$stamp"

rm "$log"
echo "setup-serve: ready after $SECONDS s"
