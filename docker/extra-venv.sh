# Sourced by setup-osworld.sh and setup-rivals.sh from the project's folder: an environment .venv-$name of its own from
# docker/$name.lock, and Debian packages beside it. Run again it does nothing; cut off midway, it starts over.
# Set before: name; programs, the packages; made_from, files whose change makes it anew; among, a word on the libraries;
# room and takes, the megabytes that must be free and what for; and the function finish_venv, after the libraries.
setup=setup-$name
venv=.venv-$name
lock=docker/$name.lock
stamp=$venv/setup.stamp  # what it was made from; there only when it is whole
no_network='NewConnectionError|NameResolutionError|Temporary failure resolving|Could not connect|ConnectTimeoutError'

die() {
  printf '%s: %s\n' "$setup" "$*" >&2
  exit 2
}

fingerprint() {
  { cat "$lock" "${made_from[@]}" && .venv/bin/python -V; } | sha256sum
}

make_venv() {
  rm -rf "$venv" && .venv/bin/python -m venv --without-pip "$venv" &&
    .venv/bin/python -m pip --python "$venv/bin/python" install --no-input --disable-pip-version-check --no-deps \
      -r "$lock" && finish_venv
}

install_programs() {
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  "${as_root[@]}" apt-get -o Acquire::Retries=3 update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends "$@"
}

# step TITLE COMMAND...: one line of progress; what the command prints goes to the log.
step() {
  printf '%s: %s ... ' "$setup" "$1"
  if ! "${@:2}" >>"$log" 2>&1 9<&-; then
    printf 'failed after %d s\n' $SECONDS
    ! grep -Eq "$no_network" "$log" ||
      die "the network is not there, and what is missing lies on it; run this again when it is. The full log is $log"
    { tail -n 15 "$log" && echo "$setup: the full log is $log"; } >&2
    exit 1
  fi
  echo done
}

exec </dev/null 9<"docker/$setup.sh"
flock 9  # two setups at once would spoil each other's environment
.venv/bin/python -c 'import pip' 2>/dev/null || die "there is no .venv yet: run 'make setup' first"
as_root=()
mapfile -t missing < <(comm -23 <(printf '%s\n' "${programs[@]}") \
  <(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u))
state=$(cat "$stamp" 2>/dev/null || true)
if [[ ${#missing[@]} == 0 && $state == "$(fingerprint)" ]]; then
  echo "$setup: nothing to do"
  exit
fi
free=$(df --output=avail -m . | tail -n 1)
((free > room)) || die "only $free MB are free here; $venv takes $takes"

log=$(mktemp --tmpdir "surehand-$setup.XXXXXX.log")
trap 'exit 130' INT
[[ ${#missing[@]} == 0 ]] || step "programs: ${missing[*]}" install_programs "${missing[@]}"
if [[ $state != "$(fingerprint)" ]]; then
  step "$(grep -c == "$lock") libraries, $among among them" make_venv
  fingerprint >"$stamp"
fi
rm "$log"
echo "$setup: ready after $SECONDS s"
