#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Objects of other authors: several at once, with the same event numbers; every kind that is refused; and the
# stream as JSON lines into a pipe.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
MISUSE=$(dirname "$LOAD")/misuse
root=$(realpath "$(dirname "$0")/../..")
need jq babeltrace2 clang script
need_bpf
scratch
mkdir -p include/numaring
ln -s "$root"/include/numaring/*.h "$root"/bpf/*.h include/numaring/
arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

compile() { # NAME: compiles stdin; options follow
	local name=$1
	shift
	cat - >"$name.bpf.c"
	clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror "-D__TARGET_ARCH_$arch" -Iinclude "$@" \
		-c "$name.bpf.c" -o "$name.bpf.o" || fail "$name does not compile"
}

# program NAME TYPE FIELDS ID SECTION: an object with one event
program() {
	compile "$1" <<-EOF
		#include <numaring/vmlinux.h>
		#include <numaring/numaring.bpf.h>
		char LICENSE[] SEC("license") = "GPL";
		struct $2 { $3 };
		NR_EVENT($2, $4);
		SEC("$5")
		int run(void *ctx)
		{
			struct $2 *e = nr_reserve($2);
			if (!e)
				return 0;
			__builtin_memset(e, 0, sizeof(*e));
			e->value = bpf_get_current_pid_tgid();
			nr_submit(e);
			return 0;
		}
	EOF
}

refused() { # WHAT WORDS OBJECTS...: expects exit status 1 and these words
	local what=$1 words=$2 object args=()
	shift 2
	for object; do args+=(--object "$object.bpf.o"); done
	rm -rf t
	"$NUMARING" record "${args[@]}" -d 0.2 -o t >out 2>&1
	equal "$what: exit status" $? 1
	check "$what: says so" grep -q "$words" out
}

program one one "__u64 value;" 7 tp_btf/sys_enter
program two two "__u32 value; __u32 more;" 7 raw_tp/sys_exit

# Two objects and a source, all with the same number.
"$NUMARING" record --object one.bpf.o --object two.bpf.o -e syscalls -o t --stats-json s.json \
	--ring-size 64M -- "$LOAD" 2000 0 >out 2>&1 || fail "three objects: $(cat out)"
"$NUMARING" stat --json t >stat.json
for type in one two sys_enter sys_exit; do
	check "three objects: $type came" test "$(jq ".types.$type" stat.json)" -gt 2000
done
equal "three objects: unaccounted" "$(jq .unaccounted s.json)" 0
equal "three objects: babeltrace2 counts the same" "$(babeltrace2 t 2>/dev/null | wc -l)" "$(jq .events stat.json)"
equal "three objects: the number is mapped, the fields are right" "$("$NUMARING" cat --json t |
	jq -c 'select(.event == "two") | .fields | keys' | sort -u)" '["more","value"]'

# The kernel's own headers instead of vmlinux.h, and an object linked from two files.
compile left -I"/usr/include/$(uname -m)-linux-gnu" <<-EOF
	#include <linux/types.h>
	#include <linux/bpf.h>
	#include <numaring/numaring.bpf.h>
	char LICENSE[] SEC("license") = "GPL";
	struct left { __u64 value; };
	NR_EVENT(left, 1);
	SEC("tp_btf/sys_enter")
	int on_enter(void *ctx)
	{
		struct left *e = nr_wanted(bpf_get_current_pid_tgid() >> 32) ? nr_reserve(left) : NULL;
		if (!e)
			return 0;
		e->value = 1;
		nr_submit(e);
		return 0;
	}
EOF
program right right "__u64 value;" 2 tp_btf/sys_exit
if command -v bpftool >/dev/null; then
	check "an object is linked from two files" bpftool gen object both.bpf.o left.bpf.o right.bpf.o
	"$NUMARING" record --object one.bpf.o --object both.bpf.o --ring-size 64M -o both -- "$LOAD" 2000 0 \
		>out 2>&1 || fail "a linked object: $(cat out)"
	"$NUMARING" stat --json both >stat.json
	for type in left right; do
		check "a linked object: $type came" test "$(jq ".types.$type" stat.json)" -gt 2000
	done
fi

# A 64-bit enum: clang before 15 loses its values. Then the field is shown as a number and not under a wrong
# name, with a warning.
program flagged flagged "enum { NONE, HIGH = 0x100000000ULL } value;" 1 tp_btf/sys_enter
sed -i 's/e->value = .*/e->value = HIGH;/' flagged.bpf.c
mv flagged.bpf.c with_flags && compile flagged <with_flags
"$NUMARING" record --object flagged.bpf.o -o flagged -- "$LOAD" 10 0 >out 2>&1 || fail "64-bit enum: $(cat out)"
shown=$("$NUMARING" cat --json flagged | jq -s 'map(.fields.value) | unique | .[]')
if grep -q 'event type flagged: clang before 15 cuts' out; then
	equal "64-bit enum of an old compiler" "$shown" 4294967296
else
	equal "64-bit enum" "$shown" '"HIGH"'
fi

# Refused.
program clash one "__u32 value; __u8 other;" 1 tp_btf/sys_enter
refused "another layout" "clash.bpf.o: event type one is already defined with a different layout" one clash
program again one "__u64 value;" 9 tp_btf/sys_exit
"$NUMARING" record --object one.bpf.o --object again.bpf.o -d 0.2 -o same >out 2>&1 ||
	fail "the same layout twice is fine: $(cat out)"
sed 's/define NR_RECORD_VERSION .*/define NR_RECORD_VERSION 99/' "$root/include/numaring/record.h" >record99.h
rm include/numaring/record.h && mv record99.h include/numaring/record.h
program old old "__u64 value;" 1 tp_btf/sys_enter
rm include/numaring/record.h && ln -s "$root/include/numaring/record.h" include/numaring/
refused "another version of the header" "version of numaring.bpf.h" old
compile none <<-EOF
	#include <numaring/vmlinux.h>
	#include <bpf/bpf_helpers.h>
	char LICENSE[] SEC("license") = "GPL";
	SEC("tp_btf/sys_enter")
	int run(void *ctx) { return 0; }
EOF
refused "no event" "declares no event" none
program nowhere nowhere "__u64 value;" 1 perf_event
refused "a section that says nothing" "cannot be attached by its section name" nowhere
program unknown unknown "__u64 value;" 1 tp_btf/no_such_tracepoint
refused "a tracepoint that is not there" \
	"unknown.bpf.o: this kernel (.*) cannot load program run (tp_btf/no_such_tracepoint): it needs something" unknown
check "a tracepoint that is not there: what to do" grep -q "this kernel has no such tracepoint: " out
program raw_unknown unknown "__u64 value;" 1 raw_tp/no_such_tracepoint
refused "a raw tracepoint that is not there" "this kernel has no such tracepoint: " raw_unknown
check "a raw tracepoint that is not there: named" grep -q "program run (raw_tp/no_such_tracepoint)" out
program whatever whatever "__u64 value;" 1 whatever/x
refused "a section that nobody knows" 'program run has the section "whatever/x", which libbpf does not know' whatever
compile extern <<-EOF
	#include <numaring/vmlinux.h>
	#include <numaring/numaring.bpf.h>
	char LICENSE[] SEC("license") = "GPL";
	struct extern_ { __u64 value; };
	NR_EVENT(extern_, 1);
	extern const void no_such_symbol __ksym;
	SEC("tp_btf/sys_enter")
	int run(void *ctx) { return (long)&no_such_symbol; }
EOF
refused "a symbol that is not there" "extern 'no_such_symbol' (strong): not resolved" extern
# libbpf looks for tracepoints in tracefs, whether it is mounted or not.
program plain plain "__u64 value;" 1 tracepoint/syscalls/no_such_tracepoint
plain() { # COMMANDS: runs these, then records plain.bpf.o, in its own mount namespace
	rm -rf t
	unshare -m sh -c "$1"' || exit 99; "$@" 2>&1 >/dev/null' - \
		"$NUMARING" record --object plain.bpf.o -d 0.1 -o t >out
}
if unshare -m true 2>/dev/null; then
	plain "for at in debug tracing; do while umount -l /sys/kernel/\$at 2>/dev/null; do :; done; done"
	check "a tracepoint without tracefs" grep -q "tracefs is not mounted: mount -t tracefs tracefs" out
	plain "test -e /sys/kernel/tracing/events || mount -t tracefs tracefs /sys/kernel/tracing"
	[ $? = 99 ] || check "a tracepoint that tracefs does not have" \
		grep -q "this kernel has no such tracepoint: " out
fi

# The message names all programs that cannot be attached, and the failed start leaves no trace.
compile three <<-EOF
	#include <numaring/vmlinux.h>
	#include <numaring/numaring.bpf.h>
	char LICENSE[] SEC("license") = "GPL";
	struct three { __u64 value; };
	NR_EVENT(three, 1);
	SEC("tp_btf/sys_enter")
	int fine(void *ctx) { struct three *e = nr_reserve(three); if (e) { e->value = 0; nr_submit(e); } return 0; }
	SEC("perf_event")
	int first(void *ctx) { return 0; }
	SEC("kprobe")
	int second(void *ctx) { return 0; }
EOF
refused "two programs that cannot be attached" "program first cannot be attached" three
check "the second is named too" grep -q "program second cannot be attached" out
check "no trace is left" test ! -e t
"$NUMARING" record --object one.bpf.o -d 0.1 -o kept >out 2>&1 || fail "to be kept: $(cat out)"
events=$("$NUMARING" stat --json kept | jq .events)
"$NUMARING" record --object three.bpf.o --force -d 0.1 -o kept >out 2>&1 && fail "three: it started"
equal "a start that failed: the old trace" "$("$NUMARING" stat --json kept | jq .events)" "$events"
"$NUMARING" record --object three.bpf.o --format jsonl -o kept.jsonl >out 2>&1 && fail "three: it started"
check "a start that failed: no file is left" test ! -e kept.jsonl
echo old >old.jsonl
ln -s old.jsonl link.jsonl
for file in old.jsonl link.jsonl; do
	"$NUMARING" record --object three.bpf.o --format jsonl --force -o $file >out 2>&1 && fail "three: it started"
	equal "a start that failed: the old lines of $file" "$(cat old.jsonl)" old
	equal "a start that failed: nothing else" "$(ls -A | grep -c '^.numaring')" 0
done
"$NUMARING" record --object one.bpf.o --format jsonl --force -o link.jsonl -- sleep 0.1 >out 2>&1 ||
	fail "the next start has the lines: $(cat out)"
check "the link is there" test -L link.jsonl
check "the lines are new" grep -q '"event":"one"' old.jsonl
equal "nothing else" "$(ls -A | grep -c '^.numaring')" 0
"$NUMARING" record --object one.bpf.o -d 0.1 -o t >out 2>&1 || fail "the next start works: $(cat out)"
"$NUMARING" record --object one.bpf.o -d 0.1 -o t >out 2>&1
check "a trace that is there is replaced only with --force" grep -q 'use force (--force) to replace it' out
compile same <<-EOF
	#include <numaring/vmlinux.h>
	#include <numaring/numaring.bpf.h>
	struct a { __u64 value; };
	NR_EVENT(a, 1);
	struct b { __u64 value; };
	NR_EVENT(b, 1);
EOF
refused "one object twice" "one.bpf.o is given twice" one one
refused "one number for two types" "same.bpf.o: the event types a and b both have the number 1" one same

# Grace periods do not cover a sleepable program.
program sleeps sleeps "__u64 value;" 1 syscall
"$NUMARING" record --object sleeps.bpf.o --order rcu -d 0.1 -o rcu >out 2>&1 || fail "sleepable: $(cat out)"
check "sleepable: a warning with rcu" grep -q "run can sleep" out
"$NUMARING" record --object sleeps.bpf.o -d 0.1 -o fence >out 2>&1 || fail "sleepable: $(cat out)"
check "sleepable: none with the fence" sh -c "! grep -q sleep out"
# The section's name shows it before the load, which this kernel may refuse. A program that is not loaded causes
# no warning about late events.
compile naps <<-EOF
	#include <numaring/vmlinux.h>
	#include <numaring/numaring.bpf.h>
	char LICENSE[] SEC("license") = "GPL";
	struct naps { __u64 value; };
	NR_EVENT(naps, 1);
	SEC("fentry.s/bpf_fentry_test1")
	int naps(void *ctx) { return 0; }
	SEC("fentry/bpf_fentry_test1")
	int stays_awake(void *ctx) { return 0; }
	SEC("?fentry.s/bpf_fentry_test1")
	int not_loaded(void *ctx) { return 0; }
EOF
rm -rf rcu
"$NUMARING" record --object naps.bpf.o --order rcu -d 0.1 -o rcu >out 2>&1
equal "sleepable by the section's name: warned of" "$(grep -o 'program [a-z_]* can sleep' out)" \
	"program naps can sleep"
# Its first event is valid, its second is not.
compile half <<-EOF
	#include <numaring/vmlinux.h>
	#include <numaring/numaring.bpf.h>
	char LICENSE[] SEC("license") = "GPL";
	struct good { __u64 value; };
	NR_EVENT(good, 1);
	struct bad { __u32 size; char rest[]; };
	NR_EVENT(bad, 2);
EOF
check "mistakes in the use of the library" "$MISUSE" sleeps.bpf.o half.bpf.o nowhere.bpf.o

# Losses are counted by cause.
compile big <<-EOF
	#include <numaring/vmlinux.h>
	#include <numaring/numaring.bpf.h>
	char LICENSE[] SEC("license") = "GPL";
	struct big { __u8 value[8192]; };
	NR_EVENT(big, 1);
	SEC("tp_btf/sys_enter")
	int run(void *ctx)
	{
		struct big *e = nr_reserve(big);
		if (e)
			nr_discard(e);
		return 0;
	}
EOF
rm -rf t
"$NUMARING" record --object big.bpf.o --ring-size 4K -o t --stats-json s.json -- "$LOAD" 1000 0 >/dev/null
check "oversize: counted by its cause" test "$(jq .lost_by_cause.oversize s.json)" -ge 1000
equal "oversize: nothing else" "$(jq .lost s.json)" "$(jq .lost_by_cause.oversize s.json)"
# A ring with one writer is full, never contended, even if the consumer empties it at that moment. (If this is
# wrong, half of such runs show it.)
for ((i = 0; i < 12; i++)); do
	rm -rf t
	"$NUMARING" record -e syscalls --shards cpu --ring-size 4K -o t --stats-json s.json -- "$LOAD" 300000 0 >/dev/null
	jq -r '"\(.lost_by_cause.full > 0) \(.lost_by_cause.contended)"' s.json
done | sort -u >causes
equal "one writer: full, contended" "$(cat causes)" "true 0"
rm -rf t
"$NUMARING" record --object big.bpf.o --ring-size 8M -o t --stats-json s.json -- "$LOAD" 300000 0 >/dev/null
check "discards: each is counted, as discarded or as lost" test "$(jq '.discarded + .lost' s.json)" -ge 300000
check "discards: more than the ring holds" test "$(jq .discarded s.json)" -gt 1024
equal "discards: unaccounted" "$(jq .unaccounted s.json)" 0
equal "discards: nothing written" "$(jq .events_written s.json)" 0

# A program lies about the time: its late records are counted, kept and marked, and the order holds (I6).
program late late "__u64 value;" 1 tp_btf/sys_enter
sed -i 's/nr_submit(e);/if (bpf_get_prandom_u32() % 64 == 0) NR_RECORD_OF(e)->ts -= 500000000; nr_submit(e);/' \
	late.bpf.c
mv late.bpf.c later && compile late <later
rm -rf t
"$NUMARING" record --object late.bpf.o -o t --stats-json s.json --ring-size 16M -- "$LOAD" 20000 0 >out
check "late: some are" test "$(jq .late s.json)" -gt 100
check "late: the summary says so" grep -q "$(jq .late s.json) late" out
"$NUMARING" stat --json t >stat.json
equal "late: stat counts them too" "$(jq .late stat.json)" "$(jq .late s.json)"
equal "late: the order holds" "$(jq .unordered stat.json)" 0
equal "late: all are kept" "$(jq .events stat.json)" "$(jq .reserved s.json)"
equal "late: unaccounted" "$(jq .unaccounted s.json)" 0
equal "late: babeltrace2 shows them as late" "$(babeltrace2 t 2>/dev/null | grep -c ' late:late: ')" \
	"$(jq .late s.json)"
equal "late: each keeps the time it came with" "$("$NUMARING" cat --json t |
	jq 'select(.late_ts != null and .late_ts < .ts)' -c | wc -l)" "$(jq .late s.json)"

# A reader closes the pipe early: a normal end. On a quiet machine, nobody else makes the calls that the next
# runs wait for.
while sleep 0.02; do :; done &
trickle=$!
timeout 60 "$NUMARING" record -e syscalls --format jsonl -o - 2>err | head -n 3 >lines
equal "closed pipe: exit status" "${PIPESTATUS[0]}" 0
equal "closed pipe: the lines are JSON" "$(jq -s length lines)" 3
check "closed pipe: summary" grep -q ' 0 unaccounted' err
# The recording ends even if no event follows whose write could fail.
timeout 60 "$NUMARING" record --object sleeps.bpf.o --format jsonl -o - 2>err | true
equal "closed pipe without events: exit status" "${PIPESTATUS[0]}" 0
# A reader that stays but reads nothing: the recording ends all the same, also by a signal. A second signal ends
# the wait.
stuck() { # OPTIONS...: starts $recorder with such a pipe
	mkfifo pipe
	sleep 60 <pipe &
	reader=$!
	"$NUMARING" record -e syscalls --format jsonl -o - "$@" >pipe 2>err &
	recorder=$!
}
stuck_ends() { # WHAT STATUS
	wait $recorder
	equal "$1: exit status" $? "$2"
	kill $reader && rm pipe
}
stuck -d 1
stuck_ends "stuck reader" 1
check "stuck reader: says so" grep -qE "not written( \([0-9]+ of them reached the output\))?: the reader stopped reading" err
started() { # by then, signals end it cleanly
	local i
	for ((i = 0; i < 200; i++)); do
		grep -qsx nr-merge /proc/$recorder/task/*/comm && break
		sleep 0.1
	done
	sleep 0.5
}
stuck
started && kill -TERM $recorder
stuck_ends "stuck reader, signal" 1
check "stuck reader, signal: says so" grep -qE "not written( \([0-9]+ of them reached the output\))?: the reader stopped reading" err
stuck
started && kill -TERM $recorder && sleep 0.6 && kill -TERM $recorder
stuck_ends "stuck reader, two signals" 143
# A slow reader that never pauses gets all lines, however long that takes.
mkfifo pipe
while dd bs=4096 count=1 status=none >piece && [ -s piece ]; do
	cat piece
	sleep 0.2
done <pipe >slow.jsonl &
reader=$!
timeout 60 "$NUMARING" record -e syscalls --shards single --ring-size 64K --format jsonl -o - --stats-json s.json -d 1 >pipe 2>err
equal "slow reader: exit status" $? 0
wait $reader
rm pipe
check "slow reader: it took longer than a reader that stops is waited for" \
	test "$(jq .output_max_ns s.json)" -gt 3000000000
equal "slow reader: it has all that was written" "$(jq -s length slow.jsonl)" "$(jq .events_written s.json)"
equal "slow reader: delivered" "$(jq .delivered s.json)" "$(jq .events_written s.json)"
equal "slow reader: nothing is left" "$(jq .unwritten s.json)" 0
# A terminal that nobody reads: it accepts a part of a write and then blocks.
mkfifo pipe
sleep 60 <pipe &
reader=$!
export NUMARING
script -qec 'timeout 60 "$NUMARING" record -e syscalls --format jsonl -o - -d 1 2>err; echo $? >status' \
	/dev/null </dev/null >pipe 2>/dev/null &
terminal=$!
for ((i = 0; i < 300; i++)); do
	[ -s status ] && break
	sleep 0.1
done
kill $reader $terminal
wait $terminal
rm pipe
equal "stuck terminal: exit status" "$(cat status)" 1
check "stuck terminal: says so" grep -qE "not written( \([0-9]+ of them reached the output\))?: the reader stopped reading" err
# If standard output is closed, none of our files takes its place.
timeout 60 "$NUMARING" record -e syscalls --format jsonl -o - 2>err >&-
equal "closed standard output: exit status" $? 1
check "closed standard output: says so" grep -q 'not written: Bad file descriptor' err
kill $trickle
# Live output: even with few events, a line appears soon, not only at the end or when a buffer is full.
program exec exec "__u64 value;" 1 tp_btf/sched_process_exec
mkfifo pipe
"$NUMARING" record --object exec.bpf.o --format jsonl --latency 50 -d 12 >pipe 2>/dev/null &
recorder=$!
while sleep 1; do :; done &
trickle=$!
head -n 1 pipe >line
arrived=$(date +%s%3N)
check "live: a line within 5 s of its event" test $((arrived - $(date -d "$(jq -r .time line)" +%s%3N))) -lt 5000
check "live: the closed pipe ends it" wait $recorder
kill $trickle
# Numbers above 2^53.
program wide wide "__u64 value; __u64 most; __s64 least;" 1 tp_btf/sys_enter
sed -i 's/e->value = .*/e->value = 9007199254740993ULL; e->most = ~0ULL; e->least = 1LL << 63;/' wide.bpf.c
mv wide.bpf.c wider && compile wide <wider
"$NUMARING" record --object wide.bpf.o --format jsonl -- "$LOAD" 10 0 2>/dev/null | head -n 1 >line
check "wide numbers are exact" grep -q \
	'"value":"9007199254740993","most":"18446744073709551615","least":"-9223372036854775808"' line
finish
