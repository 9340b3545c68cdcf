#!/bin/sh
# Fuzzes one target: tools/fuzz.sh PACKAGE TARGET TIME. Go's fuzzer now and then
# ends with "context deadline exceeded" when a worker is busy as the time runs
# out, without an input that fails; such a run is made again, once.
set -eu
out=$(mktemp)
trap 'rm -f "$out"' EXIT
run() {
  if ${GO:-go} test -run '^$' -fuzz "^$2\$" -fuzztime "$3" "$1" >"$out" 2>&1; then cat "$out"; return 0; fi
  cat "$out"
  return 1
}
echo "$1 $2"
run "$@" && exit 0
if grep -q '^ *context deadline exceeded$' "$out" && ! grep -q 'Failing input' "$out"; then
  echo "again: the time ran out under a busy worker"
  run "$@" && exit 0
fi
exit 1
