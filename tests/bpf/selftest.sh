#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `numaring selftest order` on this machine: the variants that are wrong on purpose break the watermark, the
# two that numaring offers do not (I1, I2, I3).
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
scratch

one_cpu=$(taskset -c 0 "$NUMARING" selftest order --json)
equal "one CPU: exit status" $? 0
equal "one CPU: proved" "$(jq .proved <<<"$one_cpu")" false
check "one CPU: says why" grep -q 'Nothing can be proved on one CPU' <<<"$one_cpu"
[ "$(nproc)" -gt 1 ] || skip "nothing can be proved on one CPU"

sum() { # FILTER FIELD
	jq "[.variants[] | select($1) | .$2] | add" order.json
}

"$NUMARING" selftest order -d 5 --json >order.json
equal "exit status" $? 0
equal "runs" "$(jq '.variants | length' order.json)" 8
check "wrong on purpose: violations" test "$(sum '.real | not' violations)" -gt 0
check "wrong on purpose: the largest step back is told" \
	test "$(jq '[.variants[] | select(.real | not) | .back_step_ns] | max' order.json)" -gt 0
equal "fence: violations" "$(sum '.name == "fence"' violations)" 0
equal "rcu: violations" "$(sum '.name == "rcu"' violations)" 0
for field in late unordered; do
	equal "the two that are real: $field" "$(sum .real $field)" 0
done
for field in unordered unaccounted; do
	equal "all: $field" "$(sum true $field)" 0
done
equal "runs without a record" "$(jq '[.variants[] | select(.records == 0)] | length' order.json)" 0
equal "rings of one CPU are in time order" "$(sum '.policy == "cpu" and .name != "before"' unsorted)" 0
equal "proved" "$(jq .proved order.json)" true
check "it names the clocksource" test "$(jq -r .clocksource order.json)" = \
	"$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
jq -r '.variants[] | "\(.name) \(.policy): \(.records) records, \(.violations) violations by at most \(.back_step_ns) ns, \(.ns_per_event | floor) ns each"' order.json
finish
