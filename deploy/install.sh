#!/usr/bin/env bash
# Installs what is missing, and nothing else, on Debian and Ubuntu:
#
#   deploy/install.sh run     what building and running rollcall needs
#   deploy/install.sh test    that, and what its tests need
#
# Asks nothing, says nothing when all is there, and may be run any number of times. What counts as there is what works
# (the probe in the tables below), not which package it came from: a librdkafka or a JRE of your own is left alone.
# Elsewhere it names what is missing and exits with 69.
set -euo pipefail

# Package (alternatives, by release, after a slash; @clang@: the version of clang) and the probe that finds it.
run_set='
gcc                                               program gcc
libc6-dev                                         header stdio.h
cmake                                             program cmake
ninja-build                                       program ninja
pkg-config                                        program pkg-config
librdkafka-dev                                    module rdkafka
libjemalloc-dev                                   module jemalloc
libyaml-dev                                       module yaml-0.1
libmicrohttpd-dev                                 module libmicrohttpd
libxxhash-dev                                     module libxxhash
libssl-dev                                        module libcrypto
tzdata                                            file /usr/share/zoneinfo/Europe/Berlin'
test_set='
libcmocka-dev                                     module cmocka
libjansson-dev                                    module jansson
g++                                               program g++
rapidjson-dev                                     file /usr/include/rapidjson/reader.h
clang                                             program clang
libclang-rt-@clang@-dev/libclang-common-@clang@-dev  libfuzzer clang
llvm                                              program llvm-symbolizer
clang-format                                      program clang-format
python3                                           program python3
git                                               program git
openjdk-17-jre-headless/default-jre-headless      java 17
maven                                             program mvn'

works() { # KIND WHAT
  case $1 in
    program) command -v "$2" ;;
    header) echo "#include <$2>" | gcc -E - ;;
    module) pkg-config --exists "$2" ;;
    file) [ -e "$2" ] ;;
    libfuzzer) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | "$2" -fsanitize=fuzzer,address -x c -o /dev/null - ;;
    java) [ "$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')" -ge "$2" ] ;;
  esac >/dev/null 2>&1
}

missing() { # the rows of $wanted whose probe fails
  local package kind what
  while read -r package kind what; do
    if [ -n "$package" ] && ! works "$kind" "$what"; then
      echo "$package $kind $what"
    fi
  done <<<"$wanted"
}

unavailable() { # MESSAGE
  echo "install.sh: $1" >&2
  local package what
  while read -r package what; do
    package=${package//@clang@/N}
    echo "  $what   (Debian: ${package//\// or })" >&2
  done < <(missing)
  exit 69
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

apt() { # quiet unless it fails
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" \
    >"$log" 2>&1 </dev/null || {
    cat "$log" >&2
    unavailable "apt-get $1 failed; still missing:"
  }
}

# The first alternative that this release has.
package_of() { # ALTERNATIVES
  local clang name
  clang=$(clang -dumpversion 2>/dev/null | cut -d. -f1) ||
    clang=$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
  for name in $(tr / ' ' <<<"${1//@clang@/$clang}"); do
    if apt-cache show "$name" >/dev/null 2>&1; then
      echo "$name"
      return
    fi
  done
  echo "$name" # apt-get will say that there is no such package
}

case ${1:-} in
  run) wanted=$run_set ;;
  test) wanted=$run_set$test_set ;;
  *)
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0" >&2
    exit 64
    ;;
esac

[ -n "$(missing)" ] || exit 0
command -v apt-get >/dev/null || unavailable "this is no Debian or Ubuntu; please install:"
[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || unavailable "neither root nor sudo; please install:"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt update
packages=()
while read -r package _; do
  packages+=("$(package_of "$package")")
done < <(missing)
echo "install.sh: installing ${packages[*]}" >&2
apt install --no-install-recommends "${packages[@]}"
[ -z "$(missing)" ] || unavailable "installed, but these still cannot be found:"
