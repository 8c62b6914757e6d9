#!/usr/bin/env bash
# Builds rollcall on a machine that has nothing yet and shows it at work: a generated company, its swipes on an embedded
# broker, and a summary at the end. Arguments go to `rollcall demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deploy/install.sh run
{
  cmake --preset release
  cmake --build --preset release --target rollcall
} >&2 # standard output is the demo's
exec build/release/rollcall demo "$@"
