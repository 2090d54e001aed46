# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	numaring record -e sched,syscalls -o trace -- ls >/dev/null 2>&1
	cp -r trace damaged
	truncate -s -100 damaged/stream
}
