# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	cp -r "$root/docs/examples/tools/." .
}
adapt() {
	sed 's/ -d 5 / -d 1 /'
}
