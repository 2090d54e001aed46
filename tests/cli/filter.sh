#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# --filter, -p, --comm and -C of cat, export and stat: they find what jq finds in the JSON lines of the whole trace.
# NR_SEED=N repeats a run.
. "$(dirname "$0")/../lib.sh"
: "${FILTERED:=$(dirname "$NUMARING")/tests/filtered}"
FILTERED=$(realpath "$FILTERED")
need jq
scratch
export TZ=UTC LC_ALL=C
seed=${NR_SEED:-$RANDOM$RANDOM}
echo "filter: NR_SEED=$seed"
"$FILTERED" t "$seed" || fail "no trace was made"
"$NUMARING" cat --json t >all || fail "cat"
equal "events" "$(wc -l <all)" 400

same() { # JQ OPTIONS...
	local jq=$1
	shift
	jq -c "select($jq)" all >want || fail "jq: $jq"
	"$NUMARING" cat --json "$@" t >got || fail "cat $*"
	jq -c . got | cmp -s - want || fail "cat $*: $(wc -l <got) events, not $(wc -l <want) ($jq)"
	equal "stat $*" "$("$NUMARING" stat --json "$@" t | jq .events)" "$(wc -l <want)"
}

same '.event == "call"' --filter 'type == "c*"'
same '.event == "sched:move"' --filter 'type in ["sched:*"]'
same '.fields.pid == 3' --filter 'call.pid == 3'
same '.fields.pid == 3 or .fields.prev_pid == 3 or .fields.next_pid == 3' --filter 'pid == 3'
same '.fields.pid == 3 or .fields.prev_pid == 3 or .fields.next_pid == 3' -p 3
same '[.fields.pid, .fields.prev_pid, .fields.next_pid] | any(. == 1 or . == 4)' -p 1,4
same '[.fields.pid, .fields.prev_pid, .fields.next_pid] | all(. != 3)' --filter 'pid != 3'
same '.fields.comm == "bash"' --comm bash
same '.fields.comm // "" | startswith("post")' --comm 'post*'
same '.fields.comm // "" | startswith("post")' --filter 'comm in ["post-it", "?ostgre[s]"]'
same '.cpu == 0 or .cpu == 2 or .cpu == 3' -C 0,2-3
same '.cpu == 1 or .cpu == 3' --filter 'node == 1'
same '.fields.nr == "READ" or .fields.nr == "OPEN"' --filter 'nr in [READ, 2]'
same '.fields.duration_ns // 0 | . > 4000000 and . < 8500000' --filter 'duration_ns > 4ms && duration_ns < 8.5ms'
same '.fields.ret != null and .fields.ret >= -2 and .fields.ret <= -1' --filter 'ret in -2--1'
same '.fields.slow == true and (.fields.ret < 0 or .cpu == 1)' --filter 'slow && (ret < 0 || cpu == 1)'
same '.fields.slow != true' --filter '!slow'
same '.fields.slow == false and .fields.comm == "cat" and .cpu == 1 or (.fields.prev_pid == 2 and .cpu == 1)' \
	--filter 'slow == false && comm == "cat" || sched:move.prev_pid == 2' -C 1

# -n counts what matches; --from and --to cut the trace first.
equal "cat -n" "$("$NUMARING" cat -n 7 --comm cat t | wc -l)" 7
jq -c 'select(.ts >= 101000 and .ts < 301000 and .fields.comm == "cat")' all >want
"$NUMARING" cat --json --from 0.0001 --to 0.0003 --comm cat t | jq -c . >got
check "a window and a filter" cmp want got
equal "export" "$("$NUMARING" export --format csv --comm cat t | grep -c ',cat,')" "$(jq -c 'select(.fields.comm == "cat")' all | wc -l)"

# Losses and packets are those of the whole trace.
"$NUMARING" stat t >whole
"$NUMARING" stat --comm cat t >some
equal "losses" "$(grep -c '^5 lost' whole some | cut -d: -f2 | xargs)" "1 1"
check "stat says what it counts" grep -qx \
	'matching: comm == "cat" (losses and packets are those of the whole trace)' some
equal "packets" "$("$NUMARING" stat --json --comm cat t | jq .packets)" "$("$NUMARING" stat --json t | jq .packets)"
equal "order" "$("$NUMARING" stat --json --comm cat t | jq .unordered)" 0

# What --comm makes of quotes and backslashes.
quoted() { # GLOB TEXT
	check "--comm $1" grep -qF "matching: comm == \"$2\" (" <("$NUMARING" stat --comm "$1" t)
}
quoted 'a"b' 'a\"b'
quoted 'a\"b' 'a\"b'
quoted 'a\\' 'a\\'
quoted 'a\' 'a\\'
quoted '\*\[' '\*\['

says() { # MESSAGE OPTIONS...
	local want=$1
	shift
	equal "cat $*" "$("$NUMARING" cat "$@" t 2>&1; echo $?)" "numaring: $want"$'\n'2
}
says 'filter, column 1: no event type has the field duration: did you mean duration_ns?' --filter 'duration > 5ms'
says 'filter, column 17: nr has no value CLOSE: it has READ WRITE OPEN' --filter 'slow && nr in [ CLOSE]' -p 3
says 'filter, column 5: expected an operator before )' --filter 'slow) || (slow' -C 1
says 'filter, column 1: events do not carry their cgroup: use cgroup in the --filter of record' --filter 'cgroup == "/"'
says '"0-" is not a list of CPUs: give numbers and ranges, as in 0-3,8' -C 0-
says '"a" is not a list of process ids: give numbers, as in 12,34' -p a
finish
