#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# record --attach: programs run where they are attached, nothing stays attached, and each wrong or impossible
# target gets one sentence. tests/vm/cases/attach has what this kernel may lack.
. "$(dirname "$0")/../lib.sh"
: "${ATTACHED:=$(dirname "$NUMARING")/tests/bpf/attached.bpf.o}"
ATTACHED=$(realpath "$ATTACHED")
need jq ip unshare
need_bpf
scratch
cp "$ATTACHED" a.bpf.o

# In a network namespace of its own, with a pair of interfaces.
cat >traffic <<'END'
for i in 1 2 3 4 5; do
	echo x >/dev/udp/127.0.0.1/9
	echo x >/dev/udp/10.9.8.2/9
	/bin/true
done 2>/dev/null
exit 0
END
net() { # SCRIPT: with $NUMARING
	unshare -n bash -c '
		ip link set lo up
		ip link add left type veth peer name right
		ip link set right up
		ip addr add 10.9.8.1/24 dev left
		ip link set left up
		ip neigh add 10.9.8.2 lladdr 02:00:00:00:00:01 dev left
		'"$1"
}
record="rm -rf t; $NUMARING record --object a.bpf.o -o t"

runs() { # WHAT BY TARGETS...: the program BY ran
	local what=$1 by=$2 target args=
	shift 2
	for target; do args+=" --attach '$target'"; done
	net "$record $args -- bash traffic" >out 2>&1 || fail "$what: $(cat out)"
	check "$what: it ran" grep -q "\"$by\"" <<<"$("$NUMARING" cat --json t | jq -c '.fields.by' | sort -u)"
	n=$("$NUMARING" cat --json t | jq -c 'select(.event == "hit")' | wc -l)
}

refused() { # STATUS TARGET WORDS
	net "$record --attach '$2' -d 0.1" >out 2>&1
	equal "$2: exit status" $? "$1"
	check "$2: says so" grep -qF -- "$3" out
}

runs "a clock, by frequency" sample on_sample=cpu-clock:999
runs "a clock, by time" sample on_sample=cpu-clock:1ms
runs "task-clock, at the default rate, and another event" sample on_sample=task-clock:1ms on_sample=cs
runs "each page fault" sample on_sample=page-faults
each=$n
runs "one in ten page faults" sample on_sample=page-faults:1/10
check "one in ten are fewer: $n of $each" test "$n" -lt "$((each / 2))"
runs "each task, at the start" task on_task=start
runs "each task, at the end" task on_task=end
runs "a tracepoint" tp on_tp=sched:sched_switch
runs "tracepoints by a pattern" tp 'on_tp=sched:sched_wak*'
runs "a raw tracepoint" raw on_raw=sched_switch
runs "a BTF tracepoint" btf on_btf=sched_switch
runs "tc, incoming" tc on_tc=lo:ingress
runs "tc, outgoing, both interfaces" tc on_tc=lo:egress on_tc=left:egress
check "tc, both interfaces: $n packets" test "$n" -ge 10
runs "XDP" xdp on_xdp=lo
runs "XDP on another interface" xdp on_xdp=lo on_xdp=right
runs "a network namespace" lookup on_lookup=/proc/self/ns/net
if grep -q cgroup2 /proc/self/mounts; then
	runs "a cgroup" cgroup on_cgroup=/
fi

# Nothing stays, also after a failed start and after Ctrl-C.
net "$record --attach on_tc=lo:ingress --attach on_xdp=lo --attach on_tc=left:egress -- bash traffic
	$record --attach on_tc=lo:ingress --attach on_raw=nothing -d 1
	timeout -s INT 0.5 $NUMARING record --object a.bpf.o --attach on_tc=lo:egress -o t2
	echo left:; tc qdisc show dev lo; tc filter show dev lo ingress; ip -d link show lo" >out 2>&1
check "nothing stays attached" test -z "$(sed '1,/^left:/d' out | grep -E 'clsact|bpf|xdp')"

refused 2 on_smple=cs 'a.bpf.o has no program "on_smple": did you mean on_sample? There are'
refused 2 on_sample=cpu-clok 'invalid target "cpu-clok" of program on_sample'
refused 2 on_sample=cpu-clock:0 'give EVENT[:RATE]'
refused 2 on_sample=page-faults:1ms 'give EVENT[:RATE]'
refused 2 on_tc=lo 'give INTERFACE:ingress or INTERFACE:egress'
refused 2 on_tc=nowhere:ingress 'there is no such network interface; ip link lists them'
refused 2 on_xdp=nowhere 'there is no such network interface'
refused 2 on_task=middle 'give start or end'
refused 2 on_tp=sched:shed_switch 'did you mean sched:sched_switch?'
refused 2 on_tp=sched_switch 'give GROUP:EVENT'
refused 2 on_btf=no_such "this kernel's BTF has no such function or tracepoint"
refused 2 on_uprobe=main 'give PATH:FUNCTION'
refused 2 on_umulti=/nowhere:x* 'No such file or directory'
refused 2 "on_umulti=/bin/sh:no_such_*" 'no function in its symbols matches'
refused 2 on_usdt=x 'give PATH:PROVIDER:NAME'
refused 2 on_usdt=/bin/sh:a:b '/bin/sh has no USDT probe a:b'
refused 2 on_socket=lo 'numaring cannot attach programs of its type (socket_filter)'
refused 2 on_tc= 'give INTERFACE:ingress'
refused 2 on_tc 'use PROGRAM=TARGET'
if [ -e /sys/bus/event_source/devices/uprobe/type ]; then
	refused 1 on_uprobe=/etc/passwd:x 'cannot attach to x in /etc/passwd: it is no program or library'
fi
if [ ! -e /sys/bus/event_source/devices/kprobe/type ]; then
	refused 1 on_call=openat 'to openat: this kernel has no kprobes'
fi
refused 1 on_raw=no_such 'this kernel has no such tracepoint'
refused 1 on_sample=cpu-clock:99999999 '/proc/sys/kernel/perf_event_max_sample_rate'
if grep -q cgroup2 /proc/self/mounts; then
	refused 2 on_cgroup=no/such 'there is no cgroup no/such'
fi

# I8: programs in NMIs have the rings to themselves.
net "$record --attach on_sample=cycles --attach on_raw=sched_switch -d 0.1" >out 2>&1
equal "NMIs beside others: exit status" $? 1
check "NMIs beside others: says so" grep -q 'and on_raw beside them: use --transport lane, record it without on_raw' out
net "$record --attach on_sample=cycles -e sched -d 0.1" >out 2>&1
equal "NMIs beside a source: exit status" $? 1
check "NMIs beside a source: says so" grep -q 'record it alone' out
finish
