#!/bin/sh
# What the tests of the page need beside Go: a browser, from the system's packages, and
# axe-core, the checker of accessibility, from npm (MPL-2.0, kept outside the repository).
#
#   scripts/browser.sh         install what is missing
#   scripts/browser.sh --axe   print where axe-core is kept
#
# SEATSTREAM_TEST_BROWSER names another browser of the Chromium family.
set -eu

# dashboard/browser_test.go names the same version, and fails where they differ.
axe=4.14.1

cache=${SEATSTREAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/seatstream}
target=$cache/axe/$axe/axe.min.js
if [ "${1:-}" = --axe ]; then
	echo "$target"
	exit 0
fi

found=${SEATSTREAM_TEST_BROWSER:-}
for name in chromium chromium-browser google-chrome google-chrome-stable; do
	[ -n "$found" ] || found=$(command -v "$name" 2>/dev/null || true)
done
if [ -z "$found" ]; then
	as=
	[ "$(id -u)" = 0 ] || as="sudo -n"
	if command -v apt-get >/dev/null 2>&1 && { [ -z "$as" ] || sudo -n true 2>/dev/null; }; then
		echo "browser: installing chromium with apt-get"
		$as apt-get update -qq
		$as apt-get install -y -qq --no-install-recommends chromium
	else
		echo "browser: no Chromium on PATH: install chromium or google-chrome, or name one in" \
			"SEATSTREAM_TEST_BROWSER; without it the tests of the page are skipped, and fail with CI=true" >&2
		[ "${CI:-}" != true ] || exit 1
	fi
fi

[ ! -s "$target" ] || exit 0
if ! command -v npm >/dev/null 2>&1; then
	echo "browser: npm is needed to fetch axe-core" >&2
	exit 1
fi
echo "browser: fetching axe-core@$axe into ${target%/*}"
mkdir -p "$cache/axe"
work=$(mktemp -d "$cache/axe/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if ! npm pack "axe-core@$axe" --ignore-scripts --silent --pack-destination "$work" >"$work/name" 2>"$work/log"; then
	cat "$work/log" >&2
	echo "browser: fetch axe-core@$axe: npm pack failed" >&2
	exit 1
fi
archive=$(tail -n 1 "$work/name")
tar -xzf "$work/${archive##*/}" -C "$work" package/axe.min.js
mkdir -p "${target%/*}"
mv -f "$work/package/axe.min.js" "$target"
