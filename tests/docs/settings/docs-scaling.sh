# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	ln -s "$root/topology" topology
	ln -s "$root/bench" bench
	ln -s "$BUILD" build
	lstopo-no-graphics --of xml host.xml
	cp host.xml larger.xml
}
adapt() {
	sed -E "s|--before [A-Z0-9a-f-]*|--before $BUILD|; s/--duration [0-9.]+/--duration 0.2/; s/--grid [a-z]+.grid/& --repeat 1/"
}
