#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The .rpm packages: what is in them, and that rpm installs and erases them. This host has no Fedora to resolve
# what they depend on.
. "$(dirname "$0")/../lib.sh"
: "${BUILD:=$(dirname "$NUMARING")}" "${CMAKE:=cmake}"
root=$(realpath "$(dirname "$0")/../..")
need cpack rpm rpmbuild scdoc
[ "$(id -u)" = 0 ] || skip "only root can install packages"
packages=$(realpath "$BUILD")/package
scratch
{
	"$CMAKE" -S "$root" -B "$packages" -DNR_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr &&
		"$CMAKE" --build "$packages" -j "$(nproc)" && rm -f "$packages"/*.rpm && (cd "$packages" && cpack -G RPM)
} >log 2>&1 || {
	tail -n 20 log
	fail "the packages cannot be built"
	finish
}
version=$("$NUMARING" --version | grep -oE '[0-9.]+$')
package() { # NAME: its file
	echo "$packages/$1-$version-1.$(uname -m).rpm"
}
# has NAME PATH: the package has this file.
has() {
	check "$1 has $2" grep -qE "^$2\$" <(rpm -qpl "$(package "$1")")
}
has numaring /usr/bin/numaring
has numaring /usr/lib/systemd/system/numaring.service
has numaring /usr/share/man/man1/numaring.1.gz
has numaring-libs '/usr/lib[^ ]*/libnumaring.so.0'
has numaring-devel /usr/include/numaring/numaring.h
has numaring-devel '/usr/lib[^ ]*/pkgconfig/numaring.pc'
has numaring-devel /usr/share/doc/numaring/examples/schedlat/Makefile
equal "licence" "$(rpm -qp --qf '%{LICENSE}' "$(package numaring)")" "GPL-2.0-only OR BSD-2-Clause"
check "numaring needs its library" grep -qx "numaring-libs = $version" <(rpm -qp --requires "$(package numaring)")
check "numaring-libs needs libbpf" grep -q '^libbpf.so.1' <(rpm -qp --requires "$(package numaring-libs)")
check "only below /usr" test -z "$(rpm -qpl "$packages"/*.rpm | grep -v '^/usr/')"
# Packages own their own directories, and rpm's of build ids.
directories=$(rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$packages"/*.rpm | sed -n 's/^d[^ ]* //p')
equal "no directory that others share" "$(grep -vE 'numaring|/\.build-id(/|$)' <<<"$directories")" ""

mkdir root
rpms=("$packages"/*.rpm)
check "they install" rpm --root "$PWD/root" --nodeps --noscripts -i "${rpms[@]}"
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(dirname "$(find root/usr -name libnumaring.so.0)")
equal "the program runs" "$(root/usr/bin/numaring --version)" "$("$NUMARING" --version)"
check "they are whole" rpm --root "$PWD/root" --nodeps --noscripts -V numaring numaring-libs numaring-devel
mapfile -t names < <(rpm -qp --qf '%{NAME}\n' "${rpms[@]}")
check "they are erased" rpm --root "$PWD/root" --noscripts -e "${names[@]}"
check "nothing is left" test -z "$(find root -path root/var -prune -o -name '*numaring*' -print)"
finish
