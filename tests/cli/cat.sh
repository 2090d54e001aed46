#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What numaring cat prints for people: columns, tasks, calls, durations, ways to show times, colours.
. "$(dirname "$0")/../lib.sh"
: "${SHOWN:=$(dirname "$NUMARING")/tests/shown}"
SHOWN=$(realpath "$SHOWN")
[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF, so the sources cannot be opened"
scratch
export TZ=UTC LC_ALL=C

"$SHOWN" t || fail "no trace was made"
cat >want <<'EOF'
00:00:10.000000000 [000] main:7                sched_wakeup  wakes worker:7/8 on cpu 12
00:00:10.000000001 [001] swapper/1:0           sched_wakeup  wakes sleep:9 on cpu 1, from a hard interrupt
00:00:10.000000002 [001] sh:3                  sched_wakeup  creates sleep:9 on cpu 0
00:00:10.000000999 [012] worker:7/8            sched_switch  [SLEEPING in futex] ==> swapper/12:0
00:00:10.000020000 [012] hog:5                 sched_switch  [RUNNING, preempted] ==> rt:6 prio 50, off 40.1 ms, waited 812 ns, memory on node 1
00:00:11.000000000 [100] worker:7/8            sched_migrate cpu 3 -> 100, node 0 -> 1
00:00:11.000000000 [002] cat:20                sys_enter     openat(AT_FDCWD, 0x7ffd00000010, O_RDONLY|O_CLOEXEC)
00:00:11.000000001 [002] cat:20/21             sys_enter     close(-1)
00:00:11.000012300 [002] cat:20                sys_exit      openat(AT_FDCWD, 0x7ffd00000010, O_RDONLY|O_CLOEXEC) = -1 ENOENT (12.3 us)
00:00:11.000012301 [002] cat:20/21             sys_exit      close(-1) = -1 EBADF
00:00:11.000012302 [002] cat:20/22             sys_exit      read(...) = 4096
00:00:11.000012303 [002] cat:20                sys_enter     mmap(NULL, 4096, 0x3, 0x22, -1, 0x0)
00:00:11.000012304 [002] cat:20                sys_exit      mmap(NULL, 4096, 0x3, 0x22, -1, 0x0) = 0x7f0012345000
00:00:11.000012305 [002] cat:20                sys_enter     futex(0x55, FUTEX_WAIT_PRIVATE, 7, NULL, NULL, 0xffffffff)
00:00:11.000012306 [002] cat:20                sys_enter     openat(5, 0x55, O_WRONLY|O_CREAT|O_EXCL|O_TRUNC, 0600)
00:00:11.000012307 [002] cat:20                sys_enter     kill(1, SIGTERM)
00:00:11.000012308 [002] old:20                sys_enter     100003(0x1, 0x2, 0x0, 0x0, 0x0, 0x0)
00:00:12.000000000 [000] sh:30                 process_exec  /bin/sh: sh -c \x1b[2J x
00:00:12.000000001 [000] sh:30                 process_exit  status 7, lived 1.50 s
00:00:12.000000002 [000] sh:30/31              process_exit  SIGSEGV, core dumped
00:00:12.000000003 [000] a\"b:77               own           gap = 40.0 ms
EOF
"$NUMARING" cat t >got || fail "cat: exit status $?"
check "lines" diff want got

# An event of an unknown type with a known name has its own fields.
"$SHOWN" other foreign || fail "no trace was made"
equal "another process_fork" "$("$NUMARING" cat other)" \
	"00:00:10.000000000 [000] -                     process_fork  child_pid = 5"

# Times.
first() { # OPTIONS...: the time of the first, third and sixth line
	"$NUMARING" cat "$@" t | cut -d[ -f1 | sed -n '1p;3p;6p' | paste -sd,
}
equal "local" "$(TZ=Asia/Kolkata first)" "05:30:10.000000000 ,05:30:10.000000002 ,05:30:11.000000000 "
equal "utc" "$(TZ=Asia/Kolkata first --time utc)" \
	"1970-01-01T00:00:10.000000000Z ,1970-01-01T00:00:10.000000002Z ,1970-01-01T00:00:11.000000000Z "
equal "since" "$(first --time since)" "    0.000000000 ,    0.000000002 ,    1.000000000 "
equal "delta" "$(first --time delta)" "    0.000000000 ,    0.000000001 ,    0.999980000 "
equal "since the first line" "$("$NUMARING" cat --time since --from 1 -n 2 t | cut -d[ -f1 | paste -sd,)" \
	"    0.000000000 ,    0.000000000 "
"$NUMARING" cat --time since --json t >/dev/null 2>err
equal "--time and --json: exit status" $? 2
check "--time and --json: says so" grep -q -- '--time and --json exclude each other' err

# Colours only for terminals, and only if they are wanted.
if command -v script >/dev/null; then
	coloured() { # COMMAND: how many lines have colours, on a terminal
		script -qec "$1" /dev/null </dev/null | grep -c $'\033'
	}
	equal "colours" "$(TERM=xterm coloured "'$NUMARING' cat t")" 21
	equal "colours: the text stays" "$(TERM=xterm script -qec "'$NUMARING' cat t" /dev/null </dev/null |
		sed $'s/\033\\[[0-9]*m//g' | tr -d '\r' | cmp - want && echo same)" same
	equal "NO_COLOR" "$(TERM=xterm NO_COLOR=1 coloured "'$NUMARING' cat t")" 0
	equal "TERM=dumb" "$(TERM=dumb coloured "'$NUMARING' cat t")" 0
else
	echo "note: script is not installed, colours were not tried"
fi
finish
