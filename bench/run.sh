#!/usr/bin/env bash
# run.sh: builds the release preset, measures, prints one table and writes bench/results/<UTC>.json. See README.md.
#
#   run.sh [--quick] [--only NAME]... [--events N] [--employees N] [--sets N]
#
#   --quick       a tenth of the people, a twelfth of the events, three sets: shows that everything works, proves nothing
#   --only NAME   line, restore, changelog, decode, table, judge, close; repeatable; without it, all
#   --events N    swipes on the broker (12000000)
#   --employees N people (1500000); events are at most ten for each
#   --sets N      interleaved repetitions (7)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
cmake --preset release -S "$root" >/dev/null
cmake --build "$root/build/release" >/dev/null
exec python3 "$here/run.py" "$@"
