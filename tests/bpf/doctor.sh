#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# numaring doctor agrees with numaring record, and names what is missing. tests/vm/cases/doctor tries what takes a
# machine of its own.
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
forbid=$(realpath "$(dirname "$NUMARING")/tests/bpf/forbid")
scratch
chmod 777 .
# In a place where other users can read it.
cp -L "$NUMARING" "$(ldd "$NUMARING" | awk '/libnumaring/ { print $3 }')" "$forbid" "$dir"
chmod a+rx ./*
export LD_LIBRARY_PATH=$dir PATH=$dir:$PATH

# agree WHAT [CHECK=VERDICT...] -- COMMAND...: both programs, run by COMMAND in the current directory, have the same
# success, and the checks these verdicts.
agree() {
	local what=$1 wanted=() record check
	shift
	while [ "$1" != -- ]; do
		wanted+=("$1")
		shift
	done
	shift
	"$@" numaring record -d 0.2 2>&1 | cat >"$dir/record"
	record=${PIPESTATUS[0]}
	rm -rf numaring-20*
	"$@" numaring doctor --json 2>"$dir/said" | cat >"$dir/json"
	equal "$what: exit status" "${PIPESTATUS[0]}" "$([ "$record" = 0 ] && echo 0 || echo 1)"
	equal "$what: nothing else is said" "$(cat "$dir/said")" ""
	equal "$what: something is missing" "$(jq 'any(.[]; .verdict == "missing")' "$dir/json")" \
		"$([ "$record" = 0 ] && echo false || echo true)"
	equal "$what: nothing is left" "$(ls -d .numaring* 2>/dev/null)" ""
	for check in "${wanted[@]}"; do
		equal "$what: ${check%=*}" "$(verdict "${check%=*}")" "${check#*=}"
	done
}
verdict() { jq -r ".[] | select(.name == \"$1\") | .verdict" "$dir/json"; }
says() { jq -r ".[] | select(.name == \"$1\") | .text + \": \" + .remedy" "$dir/json" | grep -qF "$2"; }

agree "as it is" kernel=ok btf=ok capabilities=ok bpf=ok cgroup-memory=ok limits=ok record=ok -- env
equal "verdicts" "$(jq -r '.[].verdict' json | grep -vxE 'ok|note|missing')" ""
equal "fields" "$(jq -c '[.[] | keys] | unique' json)" '[["name","remedy","text","verdict"]]'
numaring doctor >text
equal "text: exit status" $? 0
equal "text: as many checks" "$(grep -cE '^(ok|note|missing) ' text)" "$(jq length json)"
check "text: its last line" grep -q '^numaring record would work\.' <(tail -n 1 text)
equal "text: the widest line fits" "$(awk 'length > 100' text)" ""
equal "text: the worst last" "$(sed -n 's/^\(ok\|note\) .*/\1/p' text | uniq | tr '\n' ' ' | sed 's/note $//')" "ok "

numaring doctor >/dev/full 2>said
equal "a full standard output: exit status" $? 1
check "a full standard output: says so" grep -q '^numaring: cannot write the checks: No space left' said

for seconds in 0.02 0.08 0.14 0.2; do
	timeout -s INT $seconds numaring doctor >/dev/null 2>&1
	equal "Ctrl-C after $seconds s: nothing is left" "$(ls -d .numaring* 2>/dev/null)" ""
done

# Rights.
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if command -v setpriv >/dev/null; then
	agree "no rights" capabilities=missing priority=note perf=note -- nobody --inh-caps=-all
	check "no rights: which" says capabilities "CAP_BPF and CAP_PERFMON missing"
	check "no rights: record's own words" says record "no permission to load BPF programs"
	agree "only CAP_BPF" capabilities=missing -- nobody --inh-caps=+bpf --ambient-caps=+bpf
	check "only CAP_BPF: which" says capabilities "CAP_PERFMON missing: run as root"
	agree "only CAP_PERFMON" capabilities=missing perf=ok -- nobody --inh-caps=+perfmon --ambient-caps=+perfmon
	check "only CAP_PERFMON: which" says capabilities "CAP_BPF missing: run as root"
	agree "both" capabilities=note record=ok -- nobody --inh-caps=+bpf,+perfmon --ambient-caps=+bpf,+perfmon
	mkdir closed
	cd closed || exit
	agree "a directory of others" capabilities=note output=missing -- \
		nobody --inh-caps=+bpf,+perfmon --ambient-caps=+bpf,+perfmon
	cd ..
else
	echo "note: without setpriv, missing rights were not tried"
fi
if forbid errno bpf true; then
	agree "seccomp refuses bpf" bpf=missing -- forbid errno bpf
	check "seccomp refuses bpf: says so" says bpf "a seccomp filter"
	agree "seccomp kills record" record=missing -- forbid kill membarrier
	check "seccomp kills record: says so" says record "killed by signal 31 (Bad system call)"
else
	echo "note: this kernel has no seccomp filters"
fi

# Limits. Sanitizers reserve terabytes of addresses.
sanitized() { ldd "$NUMARING" | grep -qE 'lib[at]san' || grep -qa __asan_init "$NUMARING"; }
limited() { # OPTION VALUE COMMAND...
	(ulimit -"$1" "$2" && shift 2 && exec "$@")
}
agree "few files" files=missing -- limited n 10
sanitized || agree "few addresses" address-space=missing -- limited v 50000
agree "no bytes in files" output=missing -- limited f 0

# Places.
cd /proc || exit
agree "a file system without directories of ours" output=missing -- env
cd "$dir" || exit
if unshare -m true 2>/dev/null; then
	hide() { # DIRECTORY COMMAND...
		unshare -m sh -c 'mount -t tmpfs none "$1" && shift && exec "$@"' - "$@"
	}
	agree "no BTF" btf=missing -- hide /sys/kernel/btf
	check "no BTF: says so" says btf "CONFIG_DEBUG_INFO_BTF=y"
	agree "an empty /sys" btf=missing -- hide /sys
	check "an empty /sys: says so" says btf "sysfs is not mounted: mount -t sysfs sysfs /sys"
	sanitized || agree "no /proc" kallsyms=note -- hide /proc
	agree "no nodes in /sys" numa=note -- hide /sys/devices/system/node
	full() {
		unshare -m sh -c 'mkdir -p full && mount -t tmpfs -o size=4k none full && cd full && exec "$@"' - "$@"
	}
	agree "a disk with room for nothing" output=missing -- full
	read_only() {
		unshare -m sh -c 'mount --bind -o ro "$1" "$1" && cd "$1" && shift && exec "$@"' - "$dir" "$@"
	}
	agree "a read-only disk" output=missing -- read_only
	agree "a PID namespace" pid-namespace=note record=ok -- unshare -pf --mount-proc
	if unshare -T true 2>/dev/null; then
		agree "a time namespace" time-namespace=note record=ok -- unshare -T --monotonic 1000 --fork
		check "a time namespace: by how much" says time-namespace "1000.000 s ahead"
	fi
	unshare -U -r true 2>/dev/null && agree "a user namespace" capabilities=missing -- unshare -U -r
fi
if [ "$(nproc)" -gt 1 ]; then
	agree "one CPU" cpus=note record=ok -- taskset -c "$(taskset -cp $$ | sed 's/.*[ ,-]//')"
fi
finish
