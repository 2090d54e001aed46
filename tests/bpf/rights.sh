#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a user with CAP_BPF and CAP_PERFMON, and no other rights, can record: all sources.
. "$(dirname "$0")/../lib.sh"
need setpriv
need_bpf
scratch
chmod 777 .

# In a place where that user can read it.
cp -L "$NUMARING" "$(ldd "$NUMARING" | awk '/libnumaring/ { print $3 }')" .
chmod a+rx ./*
record() { # OPTIONS...
	rm -rf t
	LD_LIBRARY_PATH=$PWD setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=+bpf,+perfmon \
		--ambient-caps=+bpf,+perfmon ./numaring record -d 10ms -o t "$@" >out 2>&1
}
for source in $("$NUMARING" record -e list | awk '{ print $1 }') sched:stacks; do
	check "$source: can be recorded" record -e "$source"
	[ -d t ] || sed 's/^/	/' out
done

finish
