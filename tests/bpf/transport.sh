#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a user sees of record --transport lane: the table and the JSON of the summary, and of each cause of loss what
# to do about it.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
root=$(realpath "$(dirname "$0")/../..")
need jq clang
need_bpf
scratch
mkdir -p include/numaring
ln -s "$root"/include/numaring/*.h "$root"/bpf/*.h include/numaring/
arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

# event NAME FIELDS END: an object that reserves an event for each system call of load, and does END.
event() {
	cat >"$1.bpf.c" <<-EOF2
		#include <numaring/vmlinux.h>
		#include <numaring/numaring.bpf.h>
		char LICENSE[] SEC("license") = "GPL";
		struct $1 { $2 };
		NR_EVENT($1, 1);
		__u64 count;
		SEC("tp_btf/sys_enter")
		int run(void *ctx)
		{
			struct $1 *e = nr_wanted(bpf_get_current_pid_tgid() >> 32) ? nr_reserve($1) : NULL;

			if (e)
				$3;
			return 0;
		}
	EOF2
	clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror "-D__TARGET_ARCH_$arch" -Iinclude -c "$1.bpf.c" \
		-o "$1.bpf.o" || fail "$1 does not compile"
}

# lane ARGUMENTS...: records with lanes; out has the summary, err the messages, s.json the statistics.
lane() {
	"$NUMARING" record --transport lane --force --stats-json s.json -o t "$@" >out 2>err
}
# loses CAUSE ADVICE: only this cause, and the summary says what to do.
loses() {
	equal "$1: nothing else is lost" "$(jq .lost s.json)" "$(jq ".lost_by_cause.$1" s.json)"
	check "$1: something is lost" test "$(jq .lost s.json)" -gt 0
	check "$1: the summary says what to do" grep -qE "^[0-9]+ records? lost \($1\), because .*: $2" out
	equal "$1: unaccounted" "$(jq .unaccounted s.json)" 0
	equal "$1: the trace knows" "$("$NUMARING" stat --json t | jq ".end.lost_by_cause.$1")" "$(jq .lost s.json)"
	check "$1: the trace is whole" "$NUMARING" verify t
}

lane -e syscalls --shards single --ring-size 4M -- "$LOAD" 100 0
equal "exit status" $? 0
equal "JSON" "$(jq -c '[.transport, .shards[0].ring_bytes, .shards[0].block_bytes]' s.json)" \
	'["lane",4194304,32768]'
equal "JSON: a lane for each CPU" "$(jq .shards[0].lanes s.json)" "$(jq '.shards[0].cpus | length' s.json)"
check "table: its columns" grep -q '^SHARD .*CPUS  *MEMORY  LANES  BLOCK  PAGES' out
equal "table: what is in them" "$(awk '/^ *0 / { print $4, $5, $6 }' out)" "4M $(jq .shards[0].lanes s.json) 32K"
equal "table: in their columns" "$(awk '/^SHARD/ { print index($0, "BLOCK") } /^ *0 / { print index($0, "32K") - 2 }' out |
	uniq | wc -l)" 1
"$NUMARING" record -e syscalls --force --stats-json s.json -o t -- "$LOAD" 100 0 >out
equal "rings: JSON" "$(jq -c '[.transport, .shards[0].block_bytes, .shards[0].lanes]' s.json)" '["ring",0,0]'
check "rings: table" grep -q '^SHARD .*CPUS  *RING  PAGES' out

lane -e syscalls --follow --ring-size 4K -- "$LOAD" 100000 0
loses full 'use a larger --ring-size'
check "full: the peak shows it" test "$(jq '.shards[0] | .fill_peak_bytes > 0.9 * .ring_bytes' s.json)" = true

event big '__u64 value[1024];' 'nr_discard(e)'
lane --object big.bpf.o --follow --ring-size 4K -- "$LOAD" 1000 0
loses oversize 'use a larger --ring-size, or --transport ring'

# Each 100th run reserves an event and forgets it.
event left '__u64 number;' 'if ((e->number = __sync_fetch_and_add(&count, 1)) % 100 != 99) nr_submit(e)'
lane --object left.bpf.o --follow -- "$LOAD" 1000 0
equal "abandoned: exit status" $? 0
loses abandoned 'a warning names its event and CPU'
check "abandoned: the warning" grep -qE \
	'program of left\.bpf\.o on CPU [0-9]+ reserved an event left and ended .*: add nr_submit or nr_discard' err
check "abandoned: the others are there" test "$(jq .events_written s.json)" -ge 1000
equal "abandoned: one of a hundred" "$(jq '(.events_written + .lost) / 100 | floor' s.json)" "$(jq .lost s.json)"
lane --object left.bpf.o --follow --fail-on-loss -- "$LOAD" 1000 0
equal "abandoned: exit status with --fail-on-loss" $? 3
"$NUMARING" record --object left.bpf.o --follow --force -o t -- "$LOAD" 10 0 >out 2>err
equal "rings: the verifier refuses it" $? 1
check "rings: and says why" grep -q 'call nr_submit() or nr_discard() on every path' err

"$NUMARING" top --transport lane --view shards -n 1 >out
equal "top: exit status" $? 0
check "top: shards" grep -q '^ *0 ' out
finish
