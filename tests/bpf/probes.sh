#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Probes in a program on this kernel, also many calls; what this kernel lacks is refused. (vm/probes tests more.)
. "$(dirname "$0")/../lib.sh"
PROBED=$(realpath "$(dirname "$NUMARING")/tests/vm/probed")
need jq
need_bpf
[ -x "$PROBED" ] || skip "no sys/sdt.h at the build: install systemtap-sdt-dev"
scratch

if [ ! -e /sys/bus/event_source/devices/kprobe/type ]; then
	"$NUMARING" record --kprobe vfs_read -d 1ms -o none 2>err
	equal "no kprobes: exit status" $? 1
	check "no kprobes: says so" grep -q 'this kernel has no kprobes: use one built with CONFIG_KPROBE_EVENTS' err
	[ ! -e none ] || fail "no kprobes: left a trace"
fi
"$NUMARING" record --uprobe "$PWD/nowhere:main" -d 1ms -o none 2>err
check "no such file: says so" grep -q "there is no file $PWD/nowhere" err
[ -e /sys/bus/event_source/devices/uprobe/type ] || skip "this kernel has no uprobes"

"$NUMARING" record --uprobe "$PROBED:add(a=u8, b=s32, text=ustr, c=u64)" --uprobe "$PROBED:add%return" \
	--usdt "$PROBED:numaring:step(i=u32, negative=s16, large=x64, program=ustr)" \
	-o t --stats-json s.json -- "$PROBED" 1000 >/dev/null || fail "exit status $?"
"$NUMARING" cat --json t >lines
for event in uprobe:add uprobe_return:add usdt:numaring:step; do
	equal "$event: each call" "$(grep -c "\"event\":\"$event\"" lines)" 1000
done
equal "the last arguments of the function" "$(jq -c 'select(.event == "uprobe:add").fields | [.current_comm, .a, .b, .text, .c]' lines | tail -n 1)" \
	'["probed",175,-1999,"the text of a caller",1099511627776]'
equal "and its result" "$(jq -c 'select(.event == "uprobe_return:add").fields.ret' lines | tail -n 1)" $((175 - 1999 + (1 << 40)))
equal "the last arguments of the USDT probe" "$(jq -c 'select(.event == "usdt:numaring:step").fields | [.i, .negative, .large]' lines | tail -n 1)" \
	'[999,-1002,"0xfedcba98765435f7"]'
equal "unaccounted" "$(jq .unaccounted s.json)" 0
equal "in order: the probe of a step is after the function's result" "$(jq -r 'select(.fields.current_comm == "probed").event' lines |
	paste -d ' ' - - - | sort -u)" "uprobe:add uprobe_return:add usdt:numaring:step"

# Only the command.
"$PROBED" 1000000000 >/dev/null &
other=$!
rm -rf t
"$NUMARING" record --uprobe "$PROBED:add(a=u8)" --follow -o t -- "$PROBED" 5 >/dev/null || fail "--follow: exit status $?"
equal "--follow: the calls of the command" "$("$NUMARING" cat --json t | grep -c '"event":"uprobe:add"')" 5
kill $other
finish
