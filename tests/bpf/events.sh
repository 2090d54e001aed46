#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The sources net, block, irq and memory tell what a known workload does.
. "$(dirname "$0")/../lib.sh"
: "${TOUCH:=$(dirname "$NUMARING")/tests/bpf/touch}"
TOUCH=$(realpath "$TOUCH")
need jq losetup ip
need_bpf
scratch

loop=""
group=""
clean_up() {
	[ "$loop" ] && losetup -d "$loop"
	[ "$group" ] && rmdir "$group"
	rm -rf "$dir"
}
trap clean_up EXIT

events() { # EVENT [JQ]: prints the fields of its events for which JQ is true
	"$NUMARING" cat --json t | jq -c "select(.event == \"$1\") | .fields | select(${2:-true})"
}

# count WHAT EVENT JQ COMPARISON...: compares the number of events.
count() {
	local what=$1 n
	n=$(events "$2" "$3" | wc -l)
	shift 3
	check "$what ($n)" test "$n" "$@"
}

record() {
	rm -rf t
	"$NUMARING" record --ring-size 16M -o t "$@" >out 2>&1 || fail "record $*: $(cat out)"
	grep -q tracepoint out && grep tracepoint out
}

# ---- net and irq ----

# 777 bytes to a UDP port where nobody listens, in a network namespace of its own.
unshare -n true 2>/dev/null || skip "no network namespace to be had"
record -e net,irq -- unshare -n bash -c 'ip link set lo up; x=$(printf "%777s" x); echo -n "$x" >/dev/udp/127.0.0.1/54321'
mine='.interface == "lo" and .protocol == "IP" and .ip_protocol == "UDP" and .dport == 54321 and .sport > 0'
count "net: the packet leaves once, with its Ethernet header" net_transmit "$mine and .len == 777 + 28 + 14" = 1
count "net: the packet arrives once" net_receive "$mine and .len == 777 + 28" = 1
equal "net: both say the same port" "$(events net_transmit "$mine" | jq .sport)" "$(events net_receive "$mine" | jq .sport)"
count "net: the packet is dropped once" net_drop "$mine and .len >= 777 and .reason == \"NO_SOCKET\"" = 1
count "net: an ICMP packet has no ports" net_receive '.ip_protocol == "ICMP" and .dport == 0 and .len == 576' -ge 1
count "irq: softirq NET_RX" softirq '.vector == "NET_RX" and .duration_ns > 0' -ge 1
count "irq: durations of more than 10 s" softirq '.duration_ns > 10000000000' = 0
count "irq: hardware interrupts without a name" hardirq '.name == ""' = 0

# The same by IPv6, and 3000 bytes in fragments, of which only the first has ports.
record -e net -- unshare -n bash -c 'ip link set lo mtu 1280 up; x=$(printf "%3000s" x)
	echo -n "$x" >/dev/udp/127.0.0.1/54321; echo -n "${x:0:777}" >/dev/udp/::1/54321'
count "net: IPv6" net_receive '.protocol == "IPV6" and .ip_protocol == "UDP" and .dport == 54321 and .len == 777 + 48' = 1
count "net: the first fragment" net_transmit '.protocol == "IP" and .ip_protocol == "UDP" and .dport == 54321' = 1
count "net: other fragments" net_transmit '.protocol == "IP" and .ip_protocol == "UDP" and .dport == 0 and .sport == 0' = 2

# ---- block ----

truncate -s 8M image
if loop=$(losetup -f --show image 2>/dev/null); then
	name=${loop#/dev/}
	mkfifo go
	bash -c "echo \$\$ >pid; read <go; exec dd if=/dev/zero of=$loop bs=64k count=8 oflag=direct conv=fsync" 2>/dev/null &
	writer=$!
	await test -s pid
	mine=".device == \"$name\" and .pid == $writer and .comm == \"dd\" and .major == 7"

	record -e block -- bash -c "echo >go; dd if=$loop of=/dev/null bs=64k count=2 iflag=direct 2>/dev/null; while kill -0 $writer; do sleep 0.05; done 2>/dev/null"
	count "block: writes are issued" block_issue "$mine and .op == \"WRITE\" and .bytes == 65536" = 8
	equal "block: all is completed" \
		"$(events block_complete "$mine and .op == \"WRITE\"" | jq -s -c 'map([.sector, .bytes])')" \
		"$(events block_issue "$mine and .op == \"WRITE\"" | jq -s -c 'map([.sector, .bytes])')"
	equal "block: where" "$(events block_complete "$mine and .op == \"WRITE\"" | jq -s -c 'map(.sector)')" \
		'[0,128,256,384,512,640,768,896]'
	count "block: how long" block_complete "$mine and .latency_ns > 0 and .latency_ns < 60e9 and .error == \"OK\"" -ge 8
	[ "$(cat "/sys/block/$name/queue/write_cache")" = "write through" ] ||
		count "block: the fsync" block_complete \
			".device == \"$name\" and .op == \"FLUSH\" and .bytes == 0 and .latency_ns > 0" -ge 1
	equal "block: every issue is completed" "$(events block_complete ".device == \"$name\"" | wc -l)" \
		"$(events block_issue ".device == \"$name\"" | wc -l)"
	count "block: what another process reads" block_complete ".device == \"$name\" and .op == \"READ\" and .bytes == 65536" = 2

	# Only one process.
	rm -f pid
	bash -c "echo \$\$ >pid; read <go; exec dd if=/dev/zero of=$loop bs=64k count=8 oflag=direct" 2>/dev/null &
	writer=$!
	await test -s pid
	rm -rf t
	"$NUMARING" record -v -e block -p $writer -o t >out 2>&1 &
	recorder=$!
	await grep -q 'loaded and attached' out
	dd if="$loop" of=/dev/null bs=64k count=2 iflag=direct 2>/dev/null
	echo >go
	wait $writer
	kill -INT $recorder
	wait $recorder || fail "block -p: $(cat out)"
	count "block -p: its writes" block_complete ".pid == $writer and .op == \"WRITE\" and .latency_ns > 0" = 8
	count "block -p: those of others" block_complete ".pid != $writer" = 0
else
	loop=""
	echo "note: no loop device to be had, the source block was not tried"
fi

# ---- memory ----

rm -f go
mkfifo go
"$TOUCH" 300 <go >touched &
toucher=$!
exec 3>go
await test -s touched
read -r pid first <touched
page=$(getconf PAGESIZE)
rm -rf t
"$NUMARING" record -v -e memory -p "$pid" -o t >out 2>&1 &
recorder=$!
await grep -q 'loaded and attached' out
echo >&3
wait $toucher
kill -INT $recorder
wait $recorder || fail "memory: $(cat out)"
if grep -q 'no tracepoint.*page_fault_user' out; then
	grep tracepoint out
else
	# Addresses are text: of those that have as many digits, the order is that of the numbers.
	inside=$(printf '.address >= "%#x" and .address < "%#x"' "$first" $((first + 300 * page)))
	count "memory: faults inside the mapping" page_fault "$inside" -ge 300
	equal "memory: pages" "$(events page_fault "$inside" | jq -r .address | sort -u | wc -l)" 300
	count "memory: faults that are not its writes" page_fault \
		"$inside and (.pid != $pid or .tid != $pid or .comm != \"touch\" or (.user | not) or (.write | not) or .ip == \"0x0\")" = 0
fi
count "memory -p: other processes" page_fault ".pid != $pid" = 0

# Reclaim: a memory cgroup gives up the pages of a file.
reclaim() {
	local v1 v2
	v1=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
	v2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	if [ "$v1" ] && mkdir "$v1/numaring-$$" 2>/dev/null; then
		group=$v1/numaring-$$
		knob=$group/memory.force_empty
		amount=0
	elif [ "$v2" ] && mkdir "$v2/numaring-$$" 2>/dev/null; then
		group=$v2/numaring-$$
		knob=$group/memory.reclaim
		amount=1M
	fi
	[ "$group" ] && [ -e "$knob" ]
}
if reclaim; then
	bash -c "echo \$\$ >$group/cgroup.procs; dd if=/dev/zero of=file bs=1M count=4 conv=fsync" 2>/dev/null
	record -e memory -- bash -c "echo \$\$ >pid; echo $amount >$knob"
	count "memory: reclaim" memory_reclaim \
		".kind == \"MEMCG\" and .pid == $(cat pid) and .comm == \"bash\" and .duration_ns > 0 and .reclaimed > 0" -ge 1
	rmdir "$group"
	group=""
else
	echo "note: no memory cgroup to be had, reclaim was not tried"
fi

if [ -w /proc/sys/vm/compact_memory ]; then
	record -e memory -- bash -c 'echo $$ >pid; echo 1 >/proc/sys/vm/compact_memory'
	count "memory: compaction" memory_compact ".pid == $(cat pid) and .duration_ns > 0 and .status == \"COMPLETE\"" -ge 1
	count "memory: what it moved for another reason" memory_migrate \
		".pid == $(cat pid) and .reason != \"COMPACTION\"" = 0
else
	echo "note: no /proc/sys/vm/compact_memory, compaction was not tried"
fi
finish
