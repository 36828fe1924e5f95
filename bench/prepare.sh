#!/usr/bin/env bash
# Installs what a run needs into the scratch folder $BENCH_SCRATCH: the driver's environment, and the peers.
# usage: prepare.sh PEER...   A second run does nothing. On Debian as root, the two servers are installed too.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p -m 755 "$BENCH_SCRATCH"
[ -O "$BENCH_SCRATCH" ] || { echo "$BENCH_SCRATCH belongs to somebody else: choose another folder with SESAME_BENCH" >&2; exit 1; }

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing+=(postgresql)
case " $* " in *" node-oidc "*) command -v npm >/dev/null || missing+=(nodejs npm) ;; esac
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ]; then
    echo "Installing system packages: ${missing[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "Missing: ${missing[*]}. On Debian or Ubuntu: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi

# Installed again when the list of versions has changed.
environment() { # folder, list of versions
  cmp -s "$2" "$BENCH_SCRATCH/$1/installed" && return
  echo "Installing $1 into $BENCH_SCRATCH…"
  "${PYTHON:-python3}" -m venv --clear "$BENCH_SCRATCH/$1"
  "$BENCH_SCRATCH/$1/bin/pip" --disable-pip-version-check -q install -r "$2"
  cp "$2" "$BENCH_SCRATCH/$1/installed"
}

environment driver requirements.txt
for peer in "$@"; do
  case $peer in
  floor) environment floor peers/floor/requirements.txt ;;
  node-oidc)
    mkdir -p "$BENCH_SCRATCH/node-oidc"
    cmp -s peers/node-oidc/package.json "$BENCH_SCRATCH/node-oidc/installed" && continue
    echo "Installing node-oidc into $BENCH_SCRATCH…"
    cp peers/node-oidc/package.json "$BENCH_SCRATCH/node-oidc/"
    npm --prefix "$BENCH_SCRATCH/node-oidc" install --no-package-lock --ignore-scripts --no-audit --no-fund --silent
    cp peers/node-oidc/package.json "$BENCH_SCRATCH/node-oidc/installed"
    ;;
  esac
done
