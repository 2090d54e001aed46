#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Own events: the program of docs/own-events.md is built as the page says and recorded under load from all CPUs.
# Every value comes back right from the C callback, from babeltrace2 and as JSON.
. "$(dirname "$0")/../lib.sh"
: "${OWN:=$(dirname "${LOAD:-$(dirname "$NUMARING")/tests/bpf/load}")/own}"
OWN=$(realpath "$OWN")
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../..")
need babeltrace2 clang
need_bpf
scratch
cpus=$(seq -s ' ' 0 $(($(nproc) - 1)))
calls=20000

# The code blocks of the page together are the program.
awk '/^```c files.bpf.c$/ { shown = 1; next } /^```$/ { shown = 0 } shown' "$root/docs/own-events.md" \
	>files.bpf.c
check "docs/own-events.md shows tests/bpf/own.bpf.c" diff files.bpf.c "$here/own.bpf.c"

# The headers as they are installed.
mkdir -p include/numaring
ln -s "$root"/include/numaring/*.h "$root"/bpf/*.h include/numaring/
arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
check "it compiles" clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror "-D__TARGET_ARCH_$arch" -Iinclude \
	-c files.bpf.c -o files.bpf.o

# shellcheck disable=SC2086
check "C callback" "$OWN" callback files.bpf.o $calls $cpus

# The same with the program numaring. Each ring has 64 MiB, room for all records, so a busy machine loses
# nothing.
# shellcheck disable=SC2086
record() {
	"$NUMARING" record --object files.bpf.o --shards cpu --ring-size 64M --fail-on-loss "$@" -- \
		sh -c '"$0" load "$@" >pids' "$OWN" $calls $cpus >summary 2>&1 ||
		fail "numaring record $*: $(cat summary)"
}

compare() { # HOW
	# shellcheck disable=SC2046
	"$OWN" "$1" $calls $(cat pids)
}

record -o t
babeltrace2 t >text 2>warnings
equal "babeltrace2 warns of nothing" "$(cat warnings)" ""
check "babeltrace2" compare text <text
"$NUMARING" cat --json t >jsonl
check "numaring cat --json" compare jsonl <jsonl
"$NUMARING" export t --to jsonl -o export.jsonl || fail "numaring export"
check "numaring export --to jsonl" compare jsonl <export.jsonl
record --transport lane -o lanes
"$NUMARING" export lanes --to jsonl -o lanes.jsonl || fail "numaring export, lanes"
check "the same object on lanes" compare jsonl <lanes.jsonl
record --format jsonl -o live.jsonl
check "numaring record --format jsonl" compare jsonl <live.jsonl
finish
