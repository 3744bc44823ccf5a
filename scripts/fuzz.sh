#!/usr/bin/env bash
# Fuzz targets for the time given, one after the other: those named, or every target of
# the repository.
#   scripts/fuzz.sh 60s [FuzzName...]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-60s}
shift || true
found=" "
while read -r file; do
	dir=$(dirname "$file")
	for target in $(grep -oE '^func (Fuzz[A-Za-z0-9_]+)' "$file" | awk '{print $2}'); do
		if (($# > 0)) && [[ " $* " != *" $target "* ]]; then
			continue
		fi
		found+="$target "
		echo "fuzzing $dir $target for $time"
		go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
	done
done < <(grep -rlE '^func Fuzz' --include='*_test.go' . | sort)
for target in "$@"; do
	if [[ "$found" != *" $target "* ]]; then
		echo "no fuzz target $target" >&2
		exit 1
	fi
done
