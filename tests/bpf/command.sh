#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The command of a recording runs as if the caller had started it: it inherits none of numaring's capabilities,
# descriptors, priority, placement or signals.
. "$(dirname "$0")/../lib.sh"
need setpriv
need_bpf
scratch
chmod 777 .

# (The C library reserves two signals for itself, 32 and 33.)
look='grep -E "^(Cap(Inh|Prm|Eff|Amb)|SigBlk|Cpus_allowed|Mems_allowed):" /proc/self/status
	echo "SigIgn: $((0x$(awk "/^SigIgn/ { print \$2 }" /proc/self/status) & ~0x180000000))"
	cut -d " " -f 18,19 /proc/self/stat
	for fd in /proc/$$/fd/*; do n=${fd##*/}; [ "$n" -gt 2 ] && [ "$(readlink $fd)" != "$0" ] && echo "fd $n"; done'
echo "$look" >look.sh

# Another user with ambient capabilities, as the message about missing rights recommends.
as_user() { # SET COMMAND...
	local set=$1
	shift
	LD_LIBRARY_PATH=$lib setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps="$set" \
		--ambient-caps="$set" "$@"
}

# In a place where that user can read it.
cp -L "$NUMARING" "$(ldd "$NUMARING" | awk '/libnumaring/ { print $3 }')" .
chmod a+rx ./*
lib=$PWD

as_user +bpf,+perfmon ./numaring record -e sched --format jsonl -o lines -- \
	sh ./look.sh >granted 2>said
if ! grep -q CapInh granted; then
	echo "note: this kernel wants more than CAP_BPF and CAP_PERFMON: $(head -n 1 said)"
else
	for set in Inh Prm Eff Amb; do
		equal "the command's Cap$set" "$(awk "/^Cap$set/ { print \$2 }" granted)" 0000000000000000
	done
	check "events were recorded" test -s lines
fi

# As root, with everything else that may leak.
sh ./look.sh >before
"$NUMARING" record -e sched -o t -- sh ./look.sh >during || fail "exit status $?"
equal "rights, signals, priority, placement and descriptors are the caller's" \
	"$(head -n "$(wc -l <before)" during)" "$(cat before)"
finish
