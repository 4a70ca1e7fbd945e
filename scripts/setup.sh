#!/usr/bin/env bash
# Sets up all that `make demo` and `make test` need: .venv with the packages of requirements.txt (by uv, or by pip where
# there is no uv; both compare hashes), the Arm compiler with newlib, QEMU, a host C compiler, CMSIS-DSP's C sources for the tests that compare with them,
# and buildifier where npm is there to install it.
# With the argument `browser` also what the page in a browser needs: Emscripten, and Chromium for its tests. With GPU=1
# also the packages of requirements-gpu.txt, CUDA's libraries for TensorFlow.
# With the argument `riscv` the compiler, C library and emulator of a RISC-V core, on which the tests try packages.
# With the argument `docs` what `make site` needs. With the argument `lock` it only writes requirements.txt again, from requirements.in.
# What is already there is left alone, and needs no network. PYTHON=... names the interpreter to use. Where the machine has
# neither Python 3.11 nor 3.12, uv fetches one into .python; where it can't, Python 3.13 serves, with newer packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly buildifier_version=8.2.1
# The source distribution, whose C is compared with; requirements.txt pins the package, which may be of another version.
readonly cmsis_dsp="cmsisdsp==1.10.3"
readonly cmsis_dsp_sha256=307d32298faa7c58db912851027fce35f886fec7eb1a27c4b309ce1a97f47519
readonly lock_seconds=600
readonly lock_pause_seconds=5
# Installs packages, and fetches a Python where there is none; wheels for x86-64 and 64-bit Arm.
readonly uv="uv==0.13.9"
readonly uv_sha256="d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19
  5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe"
readonly fetched_python=3.12
readonly stamp=.venv/setup.stamp

fail() {
  echo "setup: $*" >&2
  exit 2
}

version_of() {
  # Runs it, because a name on the PATH may be a shim of a version that isn't installed.
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

is_supported() {
  [ "$1" = 3.11 ] || [ "$1" = 3.12 ] || [ "$1" = 3.13 ]
}

# The versions of the first set of packages in requirements.txt, with which the results were measured.
is_preferred() {
  is_supported "$1" && [ "$1" != 3.13 ]
}

# Of another version, but new enough to run pip for uv.
can_fetch() {
  [[ -z "${PYTHON:-}" && $1 == 3.* && ${1#3.} -ge 9 ]]
}

# Sets `python`, or else `fetcher`: a Python that fetches one, and `second`, one with which it goes if that fails.
find_python() {
  local candidate version
  found=""
  for candidate in ${PYTHON:-python3.11 python3.12 python3 python python3.13 .python/cpython-*/bin/python3}; do
    version=$(version_of "$candidate") || continue
    if is_preferred "$version" || { [ -n "${PYTHON:-}" ] && is_supported "$version"; }; then
      python=$candidate
      return
    fi
    if is_supported "$version"; then
      second=${second:-$candidate}
    fi
    found="$found, found $candidate $version"
    if can_fetch "$version"; then
      fetcher=${fetcher:-$candidate}
    fi
  done
  [ -n "${fetcher:-}" ] || needs_python "${found:-, found none}"
}

needs_python() {
  fail "needs Python 3.11, 3.12 or 3.13 (TensorFlow has no other)$*:" \
    "install one, or name it with make setup PYTHON=/path/to/python3.11"
}

# uv in an environment of its own. Of a failure `reason` has the cause.
install_uv() {
  local hash requirement=$uv
  if [ -x .python/uv/bin/uv ] && [ "$(cat .python/uv/version 2>/dev/null)" = "$uv" ]; then
    return
  fi
  for hash in $uv_sha256; do
    requirement+=" --hash=sha256:$hash"
  done
  "$1" -m venv --clear .python/uv
  echo "$requirement" >.python/uv/requirements.txt
  pip_in .python/uv install --require-hashes --only-binary :all: -r .python/uv/requirements.txt || return
  echo "$uv" >.python/uv/version
}

fetch_python() {
  echo "setup: fetching Python $fetched_python with $uv into .python$found"
  if ! install_uv "$fetcher"; then
    reason="pip could not install $uv to fetch one: $reason"
    return 1
  fi
  if ! reason=$(.python/uv/bin/uv python install --no-bin --install-dir .python "$fetched_python" 2>&1); then
    reason="uv could not fetch one: $(last_error "  cause: " <<<"$reason")"
    return 1
  fi
}

# What fetches a Python, or else the second choice.
get_python() {
  local reason
  if fetch_python; then
    found=""
    find_python
    return
  fi
  [ -n "${second:-}" ] ||
    needs_python "$found, and $reason (a mirror for it can be named in UV_PYTHON_INSTALL_MIRROR)"
  echo "setup: $reason. Going on with $second, for which requirements.txt has newer packages"
  python=$second
}

has_headers() {
  "$1" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' 2>/dev/null
}

has_newlib() {
  local path
  path=$(arm-none-eabi-gcc -print-file-name=libc.a 2>/dev/null) && [ -e "$path" ]
}

# The RISC-V compiler with its C library.
has_picolibc() {
  local path
  path=$(riscv64-unknown-elf-gcc -print-file-name=picolibc.specs 2>/dev/null) && [ -e "$path" ]
}

has_host_compiler() {
  gcc -fsyntax-only -x c - <<<'#include <stdio.h>' 2>/dev/null
}

find_missing_packages() {
  missing=()
  local maker=${python:-${fetcher:-}}
  if [ -n "$maker" ] && ! "$maker" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=("python$(version_of "$maker")-venv")
  fi
  # CMSIS-DSP's Python package has no wheel for Python 3.13, and is compiled.
  if [ -n "${python:-}" ] && ! is_preferred "$(version_of "$python")"; then
    has_headers "$python" || missing+=("python$(version_of "$python")-dev")
    command -v cmake >/dev/null || missing+=(cmake)
    command -v g++ >/dev/null || missing+=(g++)
  fi
  command -v arm-none-eabi-gcc >/dev/null || missing+=(gcc-arm-none-eabi)
  has_newlib || missing+=(libnewlib-arm-none-eabi)
  command -v qemu-system-arm >/dev/null || missing+=(qemu-system-arm)
  command -v riscv64-unknown-elf-gcc >/dev/null || missing+=(gcc-riscv64-unknown-elf)
  has_picolibc || missing+=(picolibc-riscv64-unknown-elf)
  command -v qemu-system-riscv32 >/dev/null || missing+=(qemu-system-misc)
  has_host_compiler || missing+=(gcc libc6-dev)
}

# apt-get, which waits while another process has apt's locks (its own option is for dpkg's lock alone). Of a failure the
# last error stays in `reason`.
apt_get() {
  local output waited=0
  while ! output=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
    apt-get -o "DPkg::Lock::Timeout=$lock_seconds" "$@" 2>&1 >/dev/null); do
    if [[ $output != *"Could not get lock"* ]] || [ "$waited" -ge "$lock_seconds" ]; then
      reason=$(last_error "E: " <<<"$output")
      return 1
    fi
    [ "$waited" -gt 0 ] || echo "setup: waiting for another process that holds apt's lock"
    sleep "$lock_pause_seconds"
    waited=$((waited + lock_pause_seconds))
  done
}

# The last line that starts with the word, without it, or else the last line of all.
last_error() {
  local line last="" found=""
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line == "$1"* ]]; then
      found=${line#"$1"}
    fi
    last=${line:-$last}
  done
  echo "${found:-${last:-it gave no reason}}"
}

install_packages() {
  local install="apt-get install -y --no-install-recommends $*"
  command -v apt-get >/dev/null ||
    fail "these are missing and there is no apt-get to install them: $* (Debian's names); install them, then run make setup again"
  local as_root=() reason
  if [ "$(id -u)" != 0 ]; then
    { command -v sudo >/dev/null && sudo -n true 2>/dev/null; } ||
      fail "needs root once, run: sudo apt-get update && sudo $install   then run make setup again"
    as_root=(sudo -n)
  fi
  echo "setup: installing $*"
  apt_get update -qq && apt_get install -y --no-install-recommends "$@" ||
    fail "apt-get could not install $* ($reason): run it by hand to see more: apt-get update && $install"
}

install_python_packages() {
  if ! is_supported "$(version_of .venv/bin/python)"; then
    echo "setup: making .venv with $python ($(version_of "$python"))"
    "$python" -m venv --clear .venv
  fi
  echo "setup: installing the packages of requirements.txt into .venv (some minutes the first time)"
  local reason
  install_by_uv || {
    echo "setup: $reason. Trying pip"
    pip install --require-hashes -r requirements.txt || fail "pip could not install requirements.txt: $reason"
  }
  # The console scripts of pyproject.toml; everything they need is there by now.
  pip install --no-deps --no-build-isolation --editable . ||
    fail "pip could not install this project into .venv: $reason"
}

# uv reads no settings of pip's: behind an index that only they name, it can't serve.
install_by_uv() {
  if ! install_uv .venv/bin/python; then
    reason="pip could not install $uv: $reason"
    return 1
  fi
  .python/uv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.txt >.venv/uv.log 2>&1 && return
  reason="uv could not install requirements.txt: $(last_error "  cause: " <.venv/uv.log) (all that it said: .venv/uv.log)"
  return 1
}

write_lock() {
  local reason
  install_uv "${python:-.venv/bin/python}" || fail "pip could not install $uv: $reason"
  .python/uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" \
    requirements.in --output-file requirements.txt || fail "uv could not resolve requirements.in"
}

# They are large: installed once, for the requirements as they are.
install_gpu_packages() {
  local requirements=requirements-gpu.txt done=.venv/gpu.stamp wanted reason
  wanted=$(sha256sum <$requirements)
  [ -f $done ] && [ "$(cat $done)" = "$wanted" ] && return
  echo "setup: installing the packages of $requirements into .venv (some GB)"
  pip install -r $requirements || fail "pip could not install $requirements: $reason"
  echo "$wanted" >$done
}

pip() {
  pip_in .venv "$@"
}

# pip of an environment. What it says is kept in pip.log; of a failure `reason` has the broken connection or else pip's
# last error.
pip_in() {
  local folder=$1
  shift
  "$folder/bin/python" -m pip --disable-pip-version-check --quiet "$@" >"$folder/pip.log" 2>&1 && return
  reason="$(pip_reason <"$folder/pip.log") (all that it said: $folder/pip.log)"
  return 1
}

pip_reason() {
  local line lines=""
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line == *"connection broken by "* ]]; then
      echo "no connection, ${line#*connection broken by }"
      return
    fi
    lines+=$line$'\n'
  done
  last_error "ERROR: " <<<"$lines"
}

unpack_cmsis_dsp() {
  reason=$(tar --extract --gzip --file "$1/${cmsis_dsp/==/-}.tar.gz" --directory "$1" --strip-components=1 2>&1)
}

download_cmsis_dsp() {
  local folder=.venv/cmsis_dsp-${cmsis_dsp#*==} reason
  [ -d "$folder/Source" ] && return
  mkdir -p "$folder"
  echo "$cmsis_dsp --hash=sha256:$cmsis_dsp_sha256" >"$folder/requirements.txt"
  { pip download --no-deps --no-build-isolation --no-binary cmsisdsp --require-hashes \
    --requirement "$folder/requirements.txt" --dest "$folder" && unpack_cmsis_dsp "$folder"; } ||
    echo "setup: the C front end's FFT will not be compared with CMSIS-DSP's C, $cmsis_dsp could not be downloaded: $reason"
}

install_buildifier() {
  [ -x .venv/npm/node_modules/.bin/buildifier ] && return
  if ! command -v npm >/dev/null; then
    echo "setup: npm not found, so BUILD will not be checked with buildifier (apt-get install npm, then make setup)"
    return
  fi
  npm install --prefix .venv/npm --no-audit --no-fund --loglevel=error "@bazel/buildifier@$buildifier_version" \
    >/dev/null 2>&1 ||
    echo "setup: npm could not install @bazel/buildifier, so BUILD will not be checked with it (is the network there?)"
}

has_browser() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
} >/dev/null

install_browser_tools() {
  command -v emcc >/dev/null || (install_packages emscripten) ||
    echo "setup: without emscripten the page in the browser is not built and not tested"
  has_browser || (install_packages chromium) || echo "setup: without chromium the page in the browser is not tested"
}

install_riscv_tools() {
  command -v riscv64-unknown-elf-gcc >/dev/null && command -v qemu-system-riscv32 >/dev/null && return
  (install_packages gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc) ||
    echo "setup: without gcc-riscv64-unknown-elf and qemu-system-misc packages are not tried on a RISC-V core"
}

# What `make fuzz-readers` needs: libFuzzer, and Atheris where there is a wheel of it.
install_fuzzers() {
  local reason
  command -v clang >/dev/null || install_packages clang libclang-rt-dev llvm
  .venv/bin/python -c 'import atheris' 2>/dev/null || pip install --only-binary :all: -r requirements-fuzz.txt ||
    fail "pip could not install requirements-fuzz.txt (it has wheels for x86-64 alone): $reason"
}

# What `make site` needs.
install_docs() {
  local reason
  .venv/bin/python -c 'import markdown_it, pdoc' 2>/dev/null || pip install -r requirements-docs.txt ||
    fail "pip could not install requirements-docs.txt: $reason"
}

fingerprint() {
  cat requirements.txt pyproject.toml scripts/setup.sh | sha256sum
}

is_current() {
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && is_supported "$(version_of .venv/bin/python)"
}

if [ -n "${PYTHON:-}" ] || ! is_supported "$(version_of .venv/bin/python)"; then
  find_python
fi
find_missing_packages
if [ ${#missing[@]} -gt 0 ]; then
  install_packages "${missing[@]}"
fi
if [ -z "${python:-}" ] && [ -n "${fetcher:-}" ]; then
  get_python
  find_missing_packages
  if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}"
  fi
fi
if [ "${1:-}" = lock ]; then
  write_lock
  exit
fi
if ! is_current; then
  install_python_packages
  download_cmsis_dsp
  fingerprint >"$stamp"
fi
if [ "${GPU:-0}" != 0 ]; then
  install_gpu_packages
fi
install_buildifier
if [ "${1:-}" = browser ]; then
  install_browser_tools
fi
if [ "${1:-}" = riscv ]; then
  install_riscv_tools
fi
if [ "${1:-}" = fuzzers ]; then
  install_fuzzers
fi
if [ "${1:-}" = docs ]; then
  install_docs
fi
