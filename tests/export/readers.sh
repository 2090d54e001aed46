# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Sourced by tests: other programs' readers of Parquet, from npm, in the build directory $READERS.
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
READERS=$(dirname "$NUMARING")/tests/readers

# Installs them once. A registry that cannot be reached skips the test, anything else fails it.
install_readers() {
	local said
	need node npm
	[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "node is older than 18: $(node --version)"
	mkdir -p "$READERS"
	cmp -s "$here/package-lock.json" "$READERS/installed" && return
	cp "$here/package.json" "$here/package-lock.json" "$READERS/"
	said=$(cd "$READERS" && timeout 60 npm ping --fetch-retries=1 2>&1) || skip "npm cannot reach its registry: ${said##*$'\n'}"
	(cd "$READERS" && timeout 300 npm ci --no-audit --no-fund --ignore-scripts) || {
		fail "npm ci"
		finish
	}
	cp "$here/package-lock.json" "$READERS/installed"
}

# reader SCRIPT ARGUMENTS...: runs a script beside this one with what is installed.
reader() {
	cp "$here/$1" "$READERS/" && node "$READERS/$1" "${@:2}"
}
