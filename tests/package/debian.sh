#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The .deb packages in a clean minimal Debian: they install with what they depend on, record, build an example, and
# leave nothing behind. The minimal Debian is kept in NUMARING_DEB_CACHE for the next run.
. "$(dirname "$0")/../lib.sh"
: "${BUILD:=$(dirname "$NUMARING")}" "${CMAKE:=cmake}"
root=$(realpath "$(dirname "$0")/../..")
cache=${NUMARING_DEB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/numaring-deb}
. /etc/os-release
[ "$ID" = debian ] || skip "this host is not Debian"
[ "$(id -u)" = 0 ] || skip "only root can install packages"
need cpack dpkg-deb debootstrap unshare scdoc zstd
need_bpf
unshare -m true 2>/dev/null || skip "no mount namespace can be made here"

# Where this host has its packages from.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' "Created-By: Packages" |
	awk -v name="$VERSION_CODENAME" '$2 == name && $3 == "main" { print $1; exit }')
[ "$mirror" ] || skip "apt knows no repository of Debian $VERSION_CODENAME"

packages=$(realpath "$BUILD")/package
build() {
	"$CMAKE" -S "$root" -B "$packages" -DNR_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr &&
		"$CMAKE" --build "$packages" -j "$(nproc)" && rm -f "$packages"/*.deb && (cd "$packages" && cpack -G DEB)
}
scratch
build >log 2>&1 || {
	tail -n 20 log
	fail "the packages cannot be built"
	finish
}
debs=("$packages"/*.deb)
echo "packages: ${debs[*]##*/}"
for deb in "${debs[@]}"; do
	name=$(basename "$deb")
	equal "$name: version" "$(dpkg-deb -f "$deb" Version)" "$("$NUMARING" --version | grep -oE '[0-9.]+$')"
	check "$name: architecture" test "$(dpkg-deb -f "$deb" Architecture)" = "$([[ $name == *_all.deb ]] && echo all ||
		dpkg --print-architecture)"
	dpkg-deb -c "$deb" | awk '{ print $6 }' >>files
done
check "no file of two packages" test -z "$(grep -v '/$' files | sort | uniq -d)"
check "only below /usr" test -z "$(grep -vE '^\./(usr/.*)?$' files)"
if command -v lintian >/dev/null; then
	# The name of a maintainer and a changelog are of whoever distributes packages.
	lintian --fail-on error --suppress-tags bogus-mail-host,no-changelog "${debs[@]}" >log 2>&1 || fail "lintian: $(cat log)"
fi

# In a mount namespace of its own, so that nothing stays mounted. In memory, because dpkg waits for the disk for
# each file.
export mirror cache VERSION_CODENAME
mkdir debs chroot
cp "${debs[@]}" debs/
unshare -m --propagation private bash "$root/tests/package/debian_chroot.sh" "$PWD"
status=$?
[ $status = 77 ] && exit 77
[ $status = 0 ] || fail "in the minimal Debian; see above"
finish
