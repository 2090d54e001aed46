# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# There may be no CPU 64.
adapt() {
	sed 's/--consumer-cpus 0,64/--consumer-cpus 0/'
}
