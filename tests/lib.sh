# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# For the shell tests: what they need, how they fail, how they skip. Sourced with bash.
set -u
: "${NUMARING:=build/numaring}"
NUMARING=$(realpath "$NUMARING")

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "FAILED: $*" >&2
	failures=$((failures + 1))
}
failures=0

# check WHAT COMMAND...: the command must succeed.
check() {
	local what=$1
	shift
	if "$@"; then
		echo "ok: $what"
	else
		fail "$what: $*"
	fi
}

# equal WHAT A B
equal() {
	if [ "$2" = "$3" ]; then
		echo "ok: $1 ($2)"
	else
		fail "$1: $2 is not $3"
	fi
}

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# What keeps this host from recording at all, in the program's own words; nothing if it can, or if it fails for
# another reason: that is a failure to be seen.
no_bpf() {
	local trace said
	trace=$(mktemp -d)
	said=$("$NUMARING" record -d 1ms -o "$trace/t" 2>&1 >/dev/null)
	rm -rf "$trace"
	grep -o -m 1 -e 'no permission to load BPF programs.*' -e 'this kernel .* is too old.*' \
		-e 'this kernel .* has no BTF.*' <<<"$said"
}

need_bpf() {
	local why
	why=$(no_bpf) && skip "$why"
}

# await COMMAND...: until it succeeds, for at most 30 seconds.
await() {
	local begin=$SECONDS
	until "$@" 2>/dev/null; do
		[ $((SECONDS - begin)) -lt 30 ] || { fail "waited in vain: $*" && return 1; }
		sleep 0.02
	done
}

# A directory of our own that goes away with the test.
scratch() {
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cd "$dir" || exit 1
}

finish() {
	[ "$failures" = 0 ] && echo "all as expected" && exit 0
	echo "$failures checks failed" >&2
	exit 1
}
