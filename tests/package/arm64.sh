#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The .deb packages for arm64, from the build of vm/arm64-build: names, places, and what they depend on.
. "$(dirname "$0")/../lib.sh"
: "${BUILD:=$(dirname "$NUMARING")}"
need cpack dpkg-deb aarch64-linux-gnu-objdump scdoc
[ -f /etc/debian_version ] || skip "this host is not Debian"
arm64=$(realpath "$BUILD")/arm64
[ -x "$arm64/numaring-bench" ] || skip "vm/arm64-build has not built it"
scratch
rm -f "$arm64"/*.deb
(cd "$arm64" && cpack -G DEB) >log 2>&1 || {
	tail -n 20 log
	fail "cpack"
	finish
}
for deb in "$arm64"/*_arm64.deb; do
	name=$(basename "$deb")
	equal "$name: architecture" "$(dpkg-deb -f "$deb" Architecture)" arm64
	dpkg-deb -x "$deb" root
	dpkg-deb -f "$deb" Depends >>depends
done
equal "packages for arm64" "$(wc -l <depends)" 3
check "the library is where arm64's are" test -f root/usr/lib/aarch64-linux-gnu/libnumaring.so.0
for file in root/usr/bin/numaring root/usr/bin/numaring-bench root/usr/lib/aarch64-linux-gnu/libnumaring.so.0; do
	check "$file is for arm64" grep -q 'file format elf64-littleaarch64' <(aarch64-linux-gnu-objdump -f "$file")
	while read -r library; do
		check "$file: $library is in a package that it depends on" grep -q "${library/.so./}" depends
	done < <(aarch64-linux-gnu-objdump -p "$file" | awk '/NEEDED/ && !/libm.so/ { print $2 }')
done
finish
