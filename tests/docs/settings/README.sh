# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	numaring record -e sched -d 0.3 -o before 2>/dev/null
	numaring record -e sched -d 0.3 -o after 2>/dev/null
}
adapt() {
	sed 's/count=500000/count=20000/'
}
