#!/bin/sh
# Usage: timed.sh NAME COMMAND...: runs the command, says how long it took, writes the same line to out/timings.txt
# and passes on the command's exit code.
set -eu
name=$1
shift
started=$(date +%s)
code=0
"$@" || code=$?
line="$name: $(($(date +%s) - started)) seconds"
[ "$code" -eq 0 ] || line="$line, failed with code $code"
echo "$line"
mkdir -p out
echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $line" >> out/timings.txt
exit "$code"
