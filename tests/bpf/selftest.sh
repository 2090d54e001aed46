#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `numaring selftest order` on this machine: the deliberately wrong variants break the watermark, numaring's two
# variants do not (I1, I2, I3).
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
scratch

one_cpu=$(taskset -c 0 "$NUMARING" selftest order --json)
equal "one CPU: exit status" $? 0
equal "one CPU: proved" "$(jq .proved <<<"$one_cpu")" false
clocksource=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
equal "one CPU: clocksource" "$(jq -r .clocksource <<<"$one_cpu")" "$clocksource"
for json in "" --json; do
	taskset -c 0 "$NUMARING" selftest order $json >/dev/full 2>err
	equal "full disk, $json: exit status" $? 1
	check "full disk, $json: says so" grep -q 'cannot write the result: No space left' err
done
check "one CPU: says why" grep -q 'Nothing can be proved on one CPU' <<<"$one_cpu"
[ "$(nproc)" -gt 1 ] || skip "nothing can be proved on one CPU"

sum() { # FILTER FIELD
	jq "[.variants[] | select($1) | .$2] | add" order.json
}

caught() { # VARIANT
	[ "$(sum ".name == \"$1\"" violations)" -gt 0 ]
}

judge() { # TRANSPORT
	local seconds wrong field
	# A wrong variant fails by chance, and late on a busy machine. So the test repeats it once with more time.
	for seconds in 5 15; do
		"$NUMARING" selftest order --transport "$1" -d $seconds --json >order.json
		equal "$1, $seconds s: exit status" $? 0
		caught before && caught after && break
	done
	equal "$1: it says so" "$(jq -r .transport order.json)" "$1"
	equal "$1: runs" "$(jq '.variants | length' order.json)" 8
	for wrong in before after; do
		check "$1, $wrong: caught" caught $wrong
		check "$1, $wrong: the largest step back is told" \
			test "$(jq "[.variants[] | select(.name == \"$wrong\") | .back_step_ns] | max" order.json)" -gt 0
	done
	equal "$1, fence: violations" "$(sum '.name == "fence"' violations)" 0
	equal "$1, rcu: violations" "$(sum '.name == "rcu"' violations)" 0
	for field in late unordered; do
		equal "$1, the two that are real: $field" "$(sum .real $field)" 0
	done
	for field in unordered unaccounted; do
		equal "$1, all: $field" "$(sum true $field)" 0
	done
	equal "$1: runs without a record" "$(jq '[.variants[] | select(.records == 0)] | length' order.json)" 0
	equal "$1: the records of one CPU are in time order" \
		"$(sum '.policy == "cpu" and .name != "before"' unsorted)" 0
	equal "$1: proved if all that is wrong was caught" "$(jq .proved order.json)" \
		"$(jq '[.variants[] | select(.real | not) | .violations > 0] | all' order.json)"
	check "$1: the verdict says the same" grep -q \
		"$(jq -r 'if .proved then "The order holds" else "not caught" end' order.json)" <<<"$(jq -r .verdict order.json)"
	equal "$1: clocksource" "$(jq -r .clocksource order.json)" "$clocksource"
	jq -r '.variants[] | "\(.name) \(.policy): \(.records) records, \(.violations) violations by at most \(.back_step_ns) ns, \(.ns_per_event | floor) ns each"' order.json
}

judge ring
judge lane
finish
