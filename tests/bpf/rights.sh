#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a user with CAP_BPF and CAP_PERFMON, and no other rights, can record. The rest is refused with the reason.
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

record -e sample
check "samples: says that processes have no names" grep -q 'functions of processes in stacks stay without names' out

if record --uprobe libc.so.6:getpid; then
	echo "note: this kernel lets this user probe programs"
else
	check "a probe: says what it needs" grep -qE 'run as root|no uprobes' out
	[ ! -d t ] || fail "a refused recording left a trace"
fi
finish
