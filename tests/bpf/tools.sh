#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tools of docs/examples/tools, built with the small vmlinux.h and with a complete one of this kernel,
# record the same, on rings and on lanes. Every field of the small vmlinux.h exists in the kernel.
. "$(dirname "$0")/../lib.sh"
: "${FIELDS:=$(dirname "$NUMARING")/tests/bpf/fields}"
FIELDS=$(realpath "$FIELDS")
root=$(realpath "$(dirname "$0")/../..")
tools=(execsnoop biolatency connect drops)
need clang jq bpftool
need_bpf
scratch
arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

build() { # INCLUDES SOURCE OBJECT
	clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror "-D__TARGET_ARCH_$arch" "-I$1" -c "$2" -o "$3"
}

# A struct without a variable leaves no BTF. Protocols define the layout of the structs before the pragma.
clang -E -P -target bpf "-D__TARGET_ARCH_$arch" "$root/bpf/vmlinux.h" |
	awk 'BEGIN { print "#include \"vmlinux.h\"" }
		/^#pragma clang attribute push/ { moved = 1 }
		/^struct [a-z0-9_]+ {$/ && !/bpf_/ { print "struct " $2 (moved ? " moved_" : " exact_") $2 ";" }' >all.c
check "all structs of vmlinux.h" build "$root/bpf" all.c all.o
check "this kernel has their fields" "$FIELDS" all.o

# Built as installed, and as docs/own-events.md says.
mkdir -p small/numaring full/numaring
ln -s "$root"/include/numaring/*.h "$root"/bpf/*.h small/numaring/
ln -s "$root/bpf/vmlinux.h" small/
ln -s "$root"/include/numaring/*.h "$root"/bpf/{numaring,lane}.bpf.h full/numaring/
bpftool btf dump file /sys/kernel/btf/vmlinux format c >full/vmlinux.h
for with in small full; do
	for tool in "${tools[@]}"; do
		check "$tool, $with vmlinux.h: it compiles" build $with \
			"$root/docs/examples/tools/$tool.bpf.c" "$with-$tool.bpf.o"
	done
done

# One event of each tool: program starts, a refused connection, a packet to nobody, a write.
cat >load.sh <<-'EOF'
	/bin/true "two words" '' last
	/nonexistent/program with arguments
	/bin/true $(seq -s ' ' 1000 2000)
	(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null
	echo nobody >/dev/udp/127.0.0.1/9
	dd if=/dev/zero of="$1/file" bs=64k count=1 conv=fsync 2>/dev/null
	sleep 0.2
EOF
declare -A transport=([small]=ring [full]=lane)
for with in small full; do
	objects=(--transport ${transport[$with]})
	for tool in "${tools[@]/biolatency/}"; do [ ! "$tool" ] || objects+=(--object "$with-$tool.bpf.o"); done
	objects+=(--object "$with-biolatency.bpf.o" --set slow_ns=0)
	check "$with, ${transport[$with]}: records" "$NUMARING" record "${objects[@]}" -o $with-trace -- bash load.sh "$PWD" 2>err ||
		cat err >&2
	"$NUMARING" cat --json $with-trace >$with.jsonl
	count() {
		jq -c "select($1)" $with.jsonl | wc -l
	}
	started='.event == "exec" and .fields.uid == 0 and .fields.parent == "bash" and .fields.ppid > 0'
	check "$with, execsnoop: a start, with its arguments" test \
		"$(count "$started"' and .fields.ret == 0 and .fields.data == "/bin/true two words  last" and
			.fields.comm == "true"')" -eq 1
	check "$with, execsnoop: a program that is not there" test \
		"$(count "$started"' and .fields.ret == -2 and .fields.data == "/nonexistent/program with arguments"')" -ge 1
	equal "$with, execsnoop: long arguments are cut" \
		"$(jq -r 'select(.event == "exec" and (.fields.data | startswith("/bin/true 1000 "))) | .fields.data' \
			$with.jsonl)" "$(echo /bin/true $(seq -s ' ' 1000 2000) | head -c 256)"
	check "$with, connect: who, where to, and that it was refused" test \
		"$(count '.event == "connect" and .fields.port == 9 and .fields.outcome == "FAILED" and
			.fields.daddr[:4] == [127,0,0,1] and .fields.comm == "bash" and .fields.took_ns > 0')" -ge 1
	check "$with, drops: the packet to nobody" test \
		"$(count '.event == "drop" and .fields.ip_protocol == 17 and .fields.dport == 9 and
			.fields.dev == "lo" and .fields.no_socket')" -ge 1
	case $(stat -f -c %T .) in
	tmpfs | ramfs | overlayfs | nfs) echo "note: no disk is under $PWD, block I/O was not tried" ;;
	*) check "$with, biolatency: the write" test \
		"$(count '.event == "slow_io" and .fields.operation == "WRITE" and .fields.disk != "" and
			.fields.error == 0 and .fields.took_ns > 0')" -ge 1 ;;
	esac
done

# Only those that started.
"$NUMARING" record --object small-execsnoop.bpf.o --set failed=0 -o started -- bash load.sh "$PWD" 2>err
equal "execsnoop, failed=0: attempts that failed" \
	"$("$NUMARING" cat --json started | jq -c 'select(.fields.ret != 0)')" ""
check "execsnoop, failed=0: starts" test "$("$NUMARING" cat started | grep -c .)" -gt 0

# A disk that takes 40 ms for each read: the histogram has each of them, none below 32 ms.
slow="" loop=""
clean() {
	cd /
	[ ! "$loop" ] || losetup -d "$loop"
	umount -l "$dir/slow" 2>/dev/null
	rm -rf "$dir"
}
trap clean EXIT # of lib.sh's scratch directory $dir
slow_disk() {
	mkdir slow
	"$SLOWFS" slow 16 40 2>slowfs.err &
	slow=$!
	until [ -e slow/disk ]; do
		kill -0 $slow 2>/dev/null || return
		sleep 0.02
	done
	loop=$(losetup -f --show slow/disk 2>slowfs.err)
}
: "${SLOWFS:=$(dirname "$FIELDS")/slowfs}"
if slow_disk; then
	"$NUMARING" record --object small-biolatency.bpf.o --show-map latency -o disk -- \
		dd if="$loop" of=/dev/null bs=4k count=10 iflag=direct status=none >shown 2>&1 || cat shown >&2
	sed -n "/\"${loop#/dev/}\"/s/.*requests = \([0-9]*\), bytes = \([0-9]*\),.*us = \(\[.*\]\) }/[\1, \2, \3]/p" \
		shown >counts
	cat counts
	equal "biolatency: requests, bytes, none in less than 32 ms" "$(jq -c '[.[0], .[1], (.[2][:15] | add)]' counts)" \
		"[10,40960,0]"
	equal "biolatency: all are in the histogram" "$(jq '.[2] | add' counts)" 10
	"$NUMARING" record --object small-biolatency.bpf.o --show-map latency --set by_disk=0 --set by_operation=0 \
		-o sum -- dd if="$loop" of=/dev/null bs=4k count=1 iflag=direct status=none >shown 2>&1
	check "biolatency, by nothing: one entry" grep -q 'map latency: 1 entr' shown
	equal "biolatency: slow ones are events" "$("$NUMARING" cat --json disk |
		jq -s "map(select(.fields.disk == \"${loop#/dev/}\" and .fields.took_ns > 40000000)) | length")" 10
else
	echo "note: no slow disk here: $(cat slowfs.err)"
fi

# A struct without members is an event that only has a time and a CPU.
cat >tick.bpf.c <<-'EOF'
	#include "vmlinux.h"
	#include <numaring/numaring.bpf.h>
	char LICENSE[] SEC("license") = "GPL";
	struct tick {};
	NR_EVENT(tick, 1);
	SEC("tp_btf/sched_switch")
	int on_switch(void *ctx)
	{
		struct tick *e = nr_reserve(tick);

		if (e)
			nr_submit(e);
		return 0;
	}
EOF
check "empty event: it compiles" build small tick.bpf.c tick.bpf.o
check "empty event: it is recorded" "$NUMARING" record --object tick.bpf.o -o ticks -- sleep 0.1 2>err
check "empty event: JSON" test "$("$NUMARING" cat --json ticks | jq -c .fields | sort -u)" = '{}'
check "empty event: CSV" test "$("$NUMARING" export --to csv ticks | cut -d, -f4 | sort -u | xargs)" = 'event tick'
check "empty event: text" grep -q ' tick$' <("$NUMARING" cat ticks)
if command -v babeltrace2 >/dev/null; then
	check "empty event: babeltrace2" grep -q ' tick: .* { }$' <(babeltrace2 ticks 2>&1)
fi
finish
