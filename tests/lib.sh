# shellcheck shell=bash disable=SC2154
# Sourced by tests/run, tests/bench/run and .ci/run, which set `name`: checks what they need of the machine, times their stages, and says where
# builds go.

# The testbed's directory, so that everything that survives a run is in one place.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-certs-testbed
die() { echo "$name: $1" >&2; exit "${2:-1}"; }

# The stages so far, and those that failed.
stages=() failed_stages=()
# stage NAME COMMAND...: runs a command under a headline, then says how long it took. A failure is remembered and not fatal, so
# that one run reports everything that is wrong.
stage() {
  local what=$1 begin=$SECONDS status=0; shift
  printf '\n=== %s\n' "$what"
  "$@" || status=$?
  case $status in 129 | 130 | 143) exit "$status" ;; esac   # a signal ends the whole run
  if [ "$status" = 0 ]; then
    stages+=("$(printf '%5d s  %s' $((SECONDS - begin)) "$what")")
  else
    stages+=("$(printf '%5d s  %s: FAILED (exit status %d)' $((SECONDS - begin)) "$what" "$status")")
    failed_stages+=("$what")
  fi
  echo "=== ${stages[-1]}"
  return "$status"
}

# Checks for cargo, and for the C compiler and linker that it calls.
need_rust() {
  [ -z "${HOME:-}" ] || PATH=$PATH:$HOME/.cargo/bin   # where rustup puts it, should the profile not say so
  command -v cargo >/dev/null ||
    die "Rust is missing: install it from https://rustup.rs (1.95 or newer)" 2
  local missing=()
  command -v cc >/dev/null || missing+=(gcc)
  [ -e /usr/include/stdio.h ] || ! command -v apt-get >/dev/null || missing+=(libc6-dev)
  packages "${missing[@]}"
}

# Checks for the programs that the tests call.
need_tools() {
  command -v apt-get >/dev/null || return 0
  local missing=() tool
  # GNU time measures; the shells are those whose completion is tested, and tmux is the terminal that they run in; mandoc reads the man pages.
  [ -x /usr/bin/time ] || missing+=(time)
  for tool in zsh fish tmux git mandoc; do
    command -v $tool >/dev/null || missing+=($tool)
  done
  # For the hook of pre-commit, which a test installs from PyPI.
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  command -v groff >/dev/null || missing+=(groff-base)
  # Holds reports against the schemas of their readers.
  command -v xmllint >/dev/null || missing+=(libxml2-utils)
  [ -e /usr/share/bash-completion/bash_completion ] || missing+=(bash-completion)
  packages "${missing[@]}"
}

# packages NAME...: installs Debian's packages, if any are named.
packages() {
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "a C compiler (cc) is missing" 2
  [ "$(id -u)" = 0 ] || die "missing packages; as root: apt-get install --no-install-recommends $*" 2
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600)
  if ! "${apt[@]}" update || ! "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null; then
    die "cannot install $*"
  fi
}

# CI makes a new clone each time: with a target directory outside of the clone, only the first run builds the dependencies.
# Cargo takes the package in two clones for the same one and compares times, so it could run the tests of one clone for the other.
# So the package's own build results are removed first, and runs wait for each other. A directory that the caller chose is left alone.
share_target() {
  [ "${CI:-}" = true ] && [ -z "${CARGO_TARGET_DIR:-}" ] || return 0
  export CARGO_TARGET_DIR=$cache/target CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
  mkdir -p "$CARGO_TARGET_DIR"
  exec 8>"$CARGO_TARGET_DIR/run.lock"
  flock -n 8 || { echo "$name: waiting for another run in $CARGO_TARGET_DIR"; flock 8; }
  cargo clean --quiet --locked -p kubectl-certs
  cargo clean --quiet --locked --release -p kubectl-certs
}
