# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Helpers of the shell tests: requirements, failures, skips. Sourced with bash.
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

# Prints numaring's own message if this host cannot record at all. Prints nothing if recording works, or if it
# fails for another reason: that failure must show.
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

# await COMMAND...: waits up to 30 seconds until it succeeds.
await() {
	local begin=$SECONDS
	until "$@" 2>/dev/null; do
		[ $((SECONDS - begin)) -lt 30 ] || { fail "waited in vain: $*" && return 1; }
		sleep 0.02
	done
}

# Changes to a scratch directory that is removed at the end of the test.
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
