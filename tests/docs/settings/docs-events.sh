# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	stats=$(sysctl -n kernel.bpf_stats_enabled)
	trap 'sysctl -q kernel.bpf_stats_enabled=$stats; rm -rf "$dir"' EXIT
	ln -s "$BUILD" build
	[ -e /sys/bus/event_source/devices/kprobe/type ] || echo "not run: --kprobe, which this kernel does not have"
	[ -e /sys/bus/event_source/devices/uprobe/type ] || echo "not run: --uprobe and --usdt, which this kernel does not have"
}
adapt() {
	sed "s|/usr/lib/x86_64-linux-gnu/libstdc++.so.6|$(ldconfig -p | awk '/libstdc[+][+].so.6 /{print $NF; exit}')|" |
		sed 's/sleep 10/sleep 0.3/; s/ 400000 0/ 4000 0/; s/ 200000 / 2000 /' |
		if [ -e /sys/bus/event_source/devices/kprobe/type ]; then cat; else grep -v -e '--kprobe'; fi |
		if [ -e /sys/bus/event_source/devices/uprobe/type ]; then cat; else grep -v -e '--uprobe' -e '--usdt'; fi
}
