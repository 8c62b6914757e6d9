#!/usr/bin/env bash
# Every test, on a machine that has nothing yet. Arguments go to ctest: tests/run.sh -R zone
#
# Three builds, each lane ends at its first failure, so that what is printed last is always CTest's summary of the lane
# that decided:
#   asan   AddressSanitizer and UndefinedBehaviorSanitizer: every test but style and fuzzing
#   tsan   ThreadSanitizer: what has threads, the daemon on a real broker too
#   dev    optimised, as it runs in production: everything, the tests on a real Kafka broker too
# Where Maven Central cannot be reached those are skipped, and listed as skipped; ROLLCALL_REQUIRE_KAFKA=1 makes that an
# error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lane() { # PRESET CTEST-ARGUMENT...
  local preset=$1
  shift
  echo "=== $preset ==="
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" && exit 1; }
  cmake --build --preset "$preset" >"$log" 2>&1 || { cat "$log" && exit 1; }
  # More than the cores: tests on a broker mostly wait. Those that strike a moment may miss it on a busy machine; what fails
  # is told, and run once more.
  ctest --preset "$preset" --parallel "$(($(nproc) + 2))" --repeat until-pass:2 "$@"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
deploy/install.sh test

code=0
tests/kafka/node fetch || code=$?
case $code in
  0) ;;
  75) echo "=== NO KAFKA: the tests on a real broker are skipped ===" ;;
  *) exit $code ;;
esac

lane asan --label-regex '^(unit|golden|kafka)$' "$@"
lane tsan --label-regex '^threads$' "$@"
lane dev "$@"
