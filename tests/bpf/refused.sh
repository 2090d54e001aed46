#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The kernel refuses a program: the message names the program, shows the end of the verifier's log, and says
# what to do.
. "$(dirname "$0")/../lib.sh"
root=$(realpath "$(dirname "$0")/../..")
need clang
need_bpf
scratch
mkdir -p include/numaring
ln -s "$root"/include/numaring/*.h "$root"/bpf/*.h include/numaring/
arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

program() { # NAME SECTION BODY: a program called NAME with an event `ev` and one of variable length, `text`
	cat >"$1.bpf.c" <<-EOT
		#include <numaring/vmlinux.h>
		#include <bpf/bpf_tracing.h>
		#include <numaring/numaring.bpf.h>
		char LICENSE[] SEC("license") = "${LICENSE:-GPL}";
		struct ev { __u64 value; };
		NR_EVENT(ev, 1);
		struct text { __u32 data_len; char data[]; };
		NR_EVENT(text, 2);
		SEC("$2")
		int BPF_PROG($1, struct pt_regs *regs, long nr) { $3 return 0; }
	EOT
	clang -target bpf -mcpu=v3 -O2 -g "-D__TARGET_ARCH_$arch" -Iinclude -c "$1.bpf.c" -o "$1.bpf.o" ||
		fail "$1 does not compile"
}

record() { # NAME OPTIONS...: the start fails; its messages are in out
	local name=$1
	shift
	rm -rf t
	"$NUMARING" record --object "$name.bpf.o" -d 0.1 -o t "$@" >out 2>&1
	equal "$name: exit status" $? 1
	check "$name: the program is named" grep -q "program $name (" out
}

# says NAME WORDS [VERIFIER'S WORDS]: expects one sentence that says what to do
says() {
	record "$1"
	equal "$1: what to do, said once" "$(tail -n 1 out | grep -c "$2"):$(grep -c "$2" out)" 1:1
	[ -z "${3:-}" ] || check "$1: the verifier's words" grep -q "^numaring:   .*$3" out
}

reserve='struct ev *e = nr_reserve(ev);'
tp=tp_btf/sys_enter
program unchecked $tp "$reserve e->value = 1; nr_submit(e);"
says unchecked 'check what nr_reserve()' "invalid mem access '[a-z_]*or_null'"
program kept $tp "$reserve if (!e) return 0; e->value = nr;"
says kept 'call nr_submit() or nr_discard() on every path' 'Unreleased reference'
equal "the last 15 lines of the log" "$(grep -c '^numaring:   ' out)" 15
program unbounded $tp 'struct text t = { nr }; char b[64] = {}; nr_output_tail(text, &t, b, nr);'
says unbounded 'no limit that the verifier can see' 'unbounded memory access'
program negative $tp "$reserve if (!e) return 0; int i = nr; ((char *)e)[i] = 1; nr_submit(e);"
says negative 'no limit that the verifier can see'
program stack $tp "$reserve if (!e) return 0; char b[16] = {}; e->value = b[(unsigned)nr]; nr_submit(e);"
says stack 'no limit that the verifier can see'
program variable $tp 'struct ev *e = nr_reserve_bytes(1, nr); if (e) nr_submit(e);'
says variable 'must be a constant' 'is not a known constant'
LICENSE=Proprietary program unfree $tp "bpf_probe_read_kernel(&nr, 8, regs); $reserve if (e) nr_submit(e);"
says unfree 'declare char LICENSE' 'non-GPL compatible'
program endless $tp 'for (;;) asm volatile("");'
says endless 'give every loop' 'infinite loop'
# Its log has 60,000 lines.
program branchy $tp '
	#pragma clang loop unroll(disable)
	for (int i = 0; i < 100000; i++)
		if (bpf_get_prandom_u32() & 1) nr += bpf_ktime_get_ns(); else nr *= bpf_ktime_get_ns();
	return nr;'
says branchy 'give every loop'
# The verifier takes seconds, several times. That is not a start that hangs.
program slow $tp "$reserve for (volatile __u64 i = 0; i < nr; i++) {} if (e) nr_submit(e);"
says slow 'give every loop'
program no_function fentry/no_such_function ''
says no_function 'no such function'
program no_target tp_btf ''
says no_target 'does not say what the program attaches to'

program no_group tracepoint/sched_switch ''
"$NUMARING" record --object no_group.bpf.o -d 0.1 -o t >out 2>&1
equal "no_group: exit status" $? 1
check "no_group: what to do" grep -q 'give --attach [a-z_]*=GROUP:EVENT' out

# The debug log has the whole log, however long it is.
record kept -vv
check "debug log: begin" grep -q 'BEGIN PROG LOAD LOG' out
check "debug log: end" grep -q 'END PROG LOAD LOG' out

# If this kernel attaches no programs to functions, the message says exactly that.
program on_kprobe kprobe/do_sys_openat2 ''
if [ -e /sys/bus/event_source/devices/kprobe ]; then
	program no_kprobe kprobe/no_such_function ''
	says no_kprobe 'available_filter_functions'
else
	says on_kprobe 'CONFIG_KPROBE_EVENTS is not set'
fi
program on_fentry fentry/do_sys_openat2 ''
"$NUMARING" record --object on_fentry.bpf.o -d 0.1 -o t >out 2>&1 || says on_fentry 'CONFIG_DYNAMIC_FTRACE'
finish
