#!/usr/bin/env bash
# Proves that the README's two commands work on a machine that has nothing. For every Debian release named (both,
# without one: bookworm is Debian 12, trixie Debian 13) debootstrap makes a minimal system in a folder, the last commit of
# this checkout is cloned into it, and both commands run there. A line per step; exit code 1 where one failed.
#
#   scripts/fresh_machine.sh [--folder=F] [--mirror=URL] [--python_from=RELEASE] [--keep] [bookworm] [trixie]
#
#   --folder       where the systems are made and the logs stay, some 8 GB each (build/fresh_machine)
#   --mirror       of Debian's packages (http://deb.debian.org/debian)
#   --python_from  another release whose Python 3.11 or 3.12 is put beside the system's own, for trixie on a network on
#                  which uv reaches no Python (bookworm has 3.11); without it set-up fetches one by itself
#   --keep         leave the systems there, also those whose steps succeeded
#
# Needs root and debootstrap. The network is this machine's: its resolv.conf, its proxies (http_proxy, https_proxy,
# no_proxy) and the certificates that SSL_CERT_FILE or PIP_CERT name; nothing else of it gets in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly packages=git,make,python3,python3-venv,curl,ca-certificates
readonly commands=("make demo" "make test")
readonly limit=3h # for a command, which should fail and not hang
folder=build/fresh_machine
mirror=http://deb.debian.org/debian
python_from=""
keep=""
releases=()

fail() {
  echo "fresh_machine: $*" >&2
  exit 2
}

read_arguments() {
  local argument
  for argument; do
    case $argument in
    --folder=?*) folder=${argument#*=} ;;
    --mirror=?*) mirror=${argument#*=} ;;
    --python_from=?*) python_from=${argument#*=} ;;
    --keep) keep=yes ;;
    bookworm | trixie) releases+=("$argument") ;;
    *) fail "unexpected argument '$argument': expected bookworm, trixie or a flag (see the head of scripts/fresh_machine.sh)" ;;
    esac
  done
  [ ${#releases[@]} -gt 0 ] || releases=(bookworm trixie)
}

check_machine() {
  [ "$(id -u)" = 0 ] || fail "needs root, to make a system in a folder and enter it: run it with sudo"
  command -v debootstrap >/dev/null || fail "debootstrap not found: apt-get install debootstrap"
}

# A line with the time that a step took; what it says goes to the log.
step() {
  local name=$1 started=$SECONDS
  shift
  echo "== $name" >>"$log"
  if "$@" >>"$log" 2>&1 </dev/null; then
    echo "$release: $name: done in $((SECONDS - started)) s"
  else
    echo "$release: $name: failed after $((SECONDS - started)) s, the end of $log:" >&2
    tail -n 20 "$log" >&2
    return 1
  fi
}

# Runs a line of shell in the system. Its mounts and processes are in namespaces of their own, and end with it and with
# this script, however that ends.
enter() {
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child -- bash -euc '
    mount -t proc proc "$0/proc"
    mount --rbind /sys "$0/sys"
    mount --rbind /dev "$0/dev"
    mount -t tmpfs tmpfs "$0/dev/shm"
    exec env -i "${@:2}" chroot "$0" bash -c "$1"
  ' "$system" "$1" "${environment[@]}"
}

# What the network needs, of this machine: into `environment` and the system's /etc.
connect() {
  local name
  environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  cp /etc/resolv.conf "$system/etc/resolv.conf"
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
  done
  for name in SSL_CERT_FILE PIP_CERT; do
    if [ -n "${!name:-}" ]; then
      cp "${!name}" "$system/etc/$name.crt"
      environment+=("$name=/etc/$name.crt")
    fi
  done
}

# The interpreter by apt, which sees to the libraries; venv and pip for it unpacked alone, since their packages want to be
# of the same release as the system's own Python.
add_python() {
  cat >"$system/etc/apt/sources.list.d/python.list" <<<"deb $mirror $python_from main"
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n' "$python_from" >"$system/etc/apt/preferences.d/python"
  enter '
    set -e
    apt-get update -qq
    python=python3.11
    [ -n "$(apt-cache madison $python)" ] || python=python3.12
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $python
    cd /tmp
    apt-get download "$python-venv" "python3-distutils/'"$python_from"'" "python3-setuptools-whl/'"$python_from"'"
    for package in *.deb; do dpkg -x "$package" /; done
  '
}

prove() {
  local command environment=() log=$folder/$release.log system=$folder/$release
  rm -rf --one-file-system "$system"
  mkdir -p "$folder"
  : >"$log"
  step "minimal system" unshare --mount -- debootstrap --variant=minbase --include="$packages" "$release" "$system" "$mirror" || return
  step "network" connect || return
  if [ -n "$python_from" ] && [ "$python_from" != "$release" ]; then
    step "Python of $python_from" add_python || return
  fi
  step "clone of $(git rev-parse --short HEAD)" git clone --quiet --no-hardlinks . "$system/project" || return
  for command in "${commands[@]}"; do
    step "$command" enter "cd /project && timeout $limit $command || exit" || return
  done
  [ -n "$keep" ] || rm -rf --one-file-system "$system"
}

read_arguments "$@"
check_machine
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "changes that are not committed are left out"
failed=()
for release in "${releases[@]}"; do
  prove || failed+=("$release")
done
[ ${#failed[@]} -eq 0 ] || {
  echo "fresh_machine: failed on ${failed[*]}" >&2
  exit 1
}
