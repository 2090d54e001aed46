#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A start with too little memory, or in a container without parts of /sys: it works, or one correct message says
# what is missing.
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
scratch

# Sanitizers reserve terabytes of addresses.
sanitized() { ldd "$NUMARING" | grep -qE 'lib[at]san' || grep -qa __asan_init "$NUMARING"; }

# Increases the memory until the recording works. Until then, messages name only memory. (With less than the program
# needs for its libraries, the loader reports that.)
grow() { # OPTIONS...
	local kb rc=1 least=6000
	until (ulimit -v $least && exec "$NUMARING" --version >/dev/null 2>&1) || [ $least -gt 100000 ]; do
		least=$((least + 500))
	done
	for ((kb = least; rc && kb < 400000; kb += kb / 12)); do
		rm -rf t
		(ulimit -v $kb && exec "$NUMARING" record "$@" -d 0.01 -o t >out 2>&1)
		rc=$?
		[ $rc = 0 ] || echo "$kb KB: status $rc, $(wc -l <out) lines: $(head -n 1 out)"
	done
	[ $rc = 0 ] || echo "it never worked: $(cat out)"
}
if ! sanitized; then
	for options in "-e sched" "-e sched -e syscalls --shards cpu --ring-size 16K --order rcu"; do
		# shellcheck disable=SC2086
		grow $options >said
		check "memory, $options: some is too little" grep -q 'status 1, 1 lines: .*ulimit -v' said
		equal "memory, $options: nothing else is named" \
			"$(grep -v 'status 1, 1 lines: numaring: cannot .*: Out of memory.*ulimit -v' said)" ""
	done
fi

# The same with open files; the shell that sets the limit needs some itself.
for ((n = 6, rc = 1; rc && n < 60; n++)); do
	rm -rf t
	(ulimit -n $n && exec "$NUMARING" record -e sched -d 0.01 -o t >out 2>&1)
	rc=$?
	[ $rc = 0 ] || cat out
done >said
equal "files: the last start" $rc 0
check "files: some are too few" grep -q 'cannot load sched: Too many open files: raise ulimit -n' said
equal "files: nothing else is named" "$(grep -v ': Too many open files' said)" ""

hide() { # WHERE: records with an empty directory mounted there
	rm -rf t
	unshare -m sh -c 'mount -t tmpfs none "$1" || exit 99; shift; exec "$@"' - "$1" \
		"$NUMARING" record -e sched -o t --stats-json s.json -- sleep 0.3 >out 2>&1
	status=$?
}
works() { # WHAT WORDS: it recorded with exactly this warning
	equal "$1: exit status" $status 0
	check "$1: events" test "$(jq .events_written s.json)" -gt 0
	equal "$1: unaccounted" "$(jq .unaccounted s.json)" 0
	equal "$1: warned of once" "$(grep -c "^numaring: warning: $2" out)" 1
	equal "$1: nothing else is said" "$(grep -ciE 'hwloc|libnuma|numaring: ' out)" 1
}
unshare -m true 2>/dev/null || finish
nodes=/sys/devices/system/node
if [ -d $nodes ]; then
	hide $nodes
	works "no nodes in /sys" "$nodes is empty or cannot be read: all CPUs count as one NUMA node"
	equal "no nodes in /sys: rings" "$(jq '.shards | length' s.json)" 1
fi
cpus=/sys/devices/system/cpu
hide $cpus
works "no CPUs in /sys" "$cpus is empty or cannot be read: cores"
hide /sys
equal "an empty /sys: exit status" $status 1
equal "an empty /sys: says so" "$(cat out)" \
	"numaring: sysfs is not mounted: mount -t sysfs sysfs /sys, or start the container with /sys"
finish
