# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	numaring record -e sched,syscalls -o trace -- ls >/dev/null 2>&1
}
# There is no nginx here.
adapt() {
	sed "s|--cgroup system.slice/nginx.service|$(findmnt -n -t cgroup2 -o TARGET | sed 's/^/--cgroup /;q')|; s/-- make -j/-- true/"
}
