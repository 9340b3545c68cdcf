#!/usr/bin/env bash
# Asks the Go vulnerability database about what the binary links. Without a way
# to the database nothing can be said, and this ends well; TRACEBED_VULN=must
# makes that a failure.
set -uo pipefail
out=$("$1" ./... 2>&1)
code=$?
printf '%s\n' "$out"
if [ $code -ne 0 ] && printf '%s' "$out" | grep -q 'fetching vulnerabilities'; then
  echo "NOT CHECKED: the vulnerability database cannot be reached from here" >&2
  [ "${TRACEBED_VULN:-}" = must ] && exit 1
  exit 0
fi
exit $code
