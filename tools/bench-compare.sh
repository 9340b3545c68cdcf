#!/usr/bin/env bash
# bench-compare.sh BASE PACKAGES…: the micro-benchmarks at BASE and in this tree
# in turns, so that other load hurts both alike, and benchstat's comparison.
# $COUNT runs of each (6), $BENCH which (all).
set -euo pipefail
base=$1; shift
root=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'git -C "$root" worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT
git -C "$root" worktree add --quiet --detach "$work/base" "$base"
(cd "$root/tools" && "${GO:-go}" build -o "$root/bin/benchstat" golang.org/x/perf/cmd/benchstat)

measure() { # directory, output
  (cd "$1" && "${GO:-go}" test -run '^$' -bench "${BENCH:-.}" -benchmem -count 1 "${packages[@]}") >>"$2"
}
packages=("$@")
for _ in $(seq "${COUNT:-6}"); do
  measure "$work/base" "$work/base.txt"
  measure "$root" "$work/here.txt"
done
"$root/bin/benchstat" "base=$work/base.txt" "here=$work/here.txt"
