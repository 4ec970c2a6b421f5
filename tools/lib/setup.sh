# Sourced by the other tools: installs what is missing, and builds.

# Installs system packages that are missing, through the package manager; with sudo if needed.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "daqrec needs the packages: ${missing[*]}; install them as root" >&2
      exit 69
    }
    as_root=sudo
  fi
  echo "installing ${missing[*]}" >&2
  $as_root apt-get update -qq >&2 &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >&2 || {
    echo "could not install ${missing[*]}: install them by hand, then try again" >&2
    exit 69
  }
}

need_build_tools() {
  command -v swift >/dev/null || {
    echo "daqrec is built with Swift 6.3 (https://swift.org/install): no 'swift' on the PATH" >&2
    exit 69
  }
  if command -v dpkg >/dev/null; then
    install_packages libhdf5-dev pkg-config
  elif ! pkg-config --exists hdf5-serial hdf5 2>/dev/null; then
    echo "daqrec needs the development files of libhdf5 1.10 and pkg-config" >&2
    exit 69
  fi
}

# Builds a release product (build_release ROOT PRODUCT [OPTION …]); silent unless it is the first
# time or it fails.
build_release() {
  local root=$1 product=$2 log
  shift 2
  log=$(mktemp)
  [ -x "$root/.build/release/$product" ] ||
    echo "building $product (a few minutes the first time) …" >&2
  if ! swift build --package-path "$root" -c release --product "$product" "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 70
  fi
  rm -f "$log"
}

# A virtual environment with the readers that recordings are checked with; prints its python.
need_python() {
  local root=$1 venv=$1/.build/venv stamp
  if command -v dpkg >/dev/null && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    install_packages python3 python3-venv
  fi
  stamp=$venv/.complete
  if ! cmp -s "$root/tools/requirements.txt" "$stamp" 2>/dev/null; then
    echo "making a Python environment for the reader checks …" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/python" -m pip install -q --disable-pip-version-check \
      -r "$root/tools/requirements.txt" >&2
    cp "$root/tools/requirements.txt" "$stamp"
  fi
  echo "$venv/bin/python"
}
