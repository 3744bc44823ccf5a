#!/bin/sh
# Fetches the ClickHouse engine that `seatstream demo` and `seatstream up` run
# when no ClickHouse server is configured: libchdb, a complete ClickHouse in
# one shared library, published to npm (Apache-2.0). It is kept outside the
# repository, is not linked into the binary, and is fetched once.
#
#   scripts/engine.sh          fetch it unless it is there
#   scripts/engine.sh --path   print where it is kept
#
# SEATSTREAM_CACHE moves the cache; npm's own settings choose the registry.
set -eu

# Exact: the package's `latest` tag is an older release. embedded/library.go
# names the same version, and a test holds the two together.
version=26.7.3-stable.1

case "$(uname -s)/$(uname -m)" in
Linux/x86_64) platform=linux-x64-gnu library=libchdb.so ;;
Linux/aarch64 | Linux/arm64) platform=linux-arm64-gnu library=libchdb.so ;;
Darwin/x86_64) platform=darwin-x64 library=libchdb.dylib ;;
Darwin/arm64) platform=darwin-arm64 library=libchdb.dylib ;;
*)
	echo "engine: no packaged engine for $(uname -s) $(uname -m);" \
		"install clickhouse on PATH or set clickhouse.dsn" >&2
	exit 1
	;;
esac

cache=${SEATSTREAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/seatstream}
target=$cache/engine/$version/$library

if [ "${1:-}" = --path ]; then
	echo "$target"
	exit 0
fi
if [ -s "$target" ]; then
	exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
	echo "engine: npm is needed to fetch the engine;" \
		"or install clickhouse on PATH, or set clickhouse.dsn" >&2
	exit 1
fi

package=@chdb/lib-$platform@$version
echo "engine: fetching $package (about 180 MB) into ${target%/*}"

# Everything happens in a sibling of the target, so that the last step is a
# rename on one file system: an interrupted fetch leaves no half library.
mkdir -p "$cache/engine"
work=$(mktemp -d "$cache/engine/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# npm checks the archive against the registry's own sha512 before it is
# written; no script of the package is run.
if ! npm pack "$package" --ignore-scripts --silent --pack-destination "$work" >"$work/name" 2>"$work/log"; then
	cat "$work/log" >&2
	echo "engine: fetch $package: npm pack failed" >&2
	exit 1
fi
archive=$(tail -n 1 "$work/name")
tar -xzf "$work/${archive##*/}" -C "$work"

found=
for name in "$library" libchdb.so libchdb.dylib; do
	if [ -s "$work/package/$name" ]; then
		found=$work/package/$name
		break
	fi
done
if [ -z "$found" ]; then
	echo "engine: unpack $package: no libchdb in it" >&2
	exit 1
fi
mkdir -p "${target%/*}"
chmod 0755 "$found"
mv -f "$found" "$target"
echo "engine: ready: $target"
