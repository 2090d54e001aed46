#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The part of debian.sh that runs in a mount namespace: debian_chroot.sh DIRECTORY, with debs/ and chroot/ in it.
. "$(dirname "$0")/../lib.sh"
cd "$1" || exit 1
base=$cache/$VERSION_CODENAME-$(dpkg --print-architecture).tar.zst

mount -t tmpfs -o mode=755 chroot chroot || skip "cannot mount a tmpfs"
mkdir -p "$cache" || skip "cannot write to $cache"
exec 9>"$cache/lock"
flock 9
if [ ! -e "$base" ]; then
	debootstrap --variant=minbase "$VERSION_CODENAME" chroot "$mirror" >log 2>&1 || {
		tail -n 3 log
		skip "debootstrap cannot make a minimal Debian, for lack of a network perhaps"
	}
	tar -C chroot -I zstd -cf "$base.new" . && mv "$base.new" "$base" || skip "cannot write to $cache"
else
	tar -C chroot -I zstd -xf "$base" || skip "cannot unpack $base; remove it"
fi
flock -u 9

# This host's network and its settings of apt; each package is fetched once.
cp -L /etc/resolv.conf /etc/hosts chroot/etc/
cp /etc/apt/apt.conf.d/* chroot/etc/apt/apt.conf.d/
mkdir -p "$cache/archives/partial" chroot/archives
mount --bind "$cache/archives" chroot/archives
for dir in /proc /sys /dev; do
	mount --rbind "$dir" "chroot$dir"
done
cp -r debs chroot/debs
in_chroot() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
		chroot chroot "$@" </dev/null
}
apt() {
	in_chroot apt-get -qq -o Dir::Cache::archives=/archives -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 \
		--no-install-recommends "$@" >log 2>&1 || {
		tail -n 20 log >&2
		return 1
	}
}
apt update || skip "apt cannot reach $mirror"

# What dpkg and apt keep for themselves, and caches of the loader, do not count.
list_files() {
	in_chroot find / -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \
		-o -path /tmp -o -path /debs -o -path /archives \) -prune -o -print | grep -vE '^/etc/ld.so.cache$' | sort
}
list_files >before

packages=$(cd chroot && ls -d debs/*.deb | sed 's|^|/|')
# shellcheck disable=SC2046
apt install $(grep -E '/(lib)?numaring(0)?_' <<<"$packages") || {
	fail "numaring does not install"
	finish
}
equal "its version" "$(in_chroot numaring --version)" "$("$NUMARING" --version)"
check "it finds the library without a path of its own" test -z "$(readelf -d chroot/usr/bin/numaring | grep -E 'R(UN)?PATH')"
check "doctor says that it would record" in_chroot sh -c 'cd /tmp && numaring doctor >/tmp/doctor'
check "it records" in_chroot numaring record -e sched,syscalls -d 1 -o /tmp/trace
check "it reads" in_chroot numaring verify /tmp/trace
check "events are there" test "$(in_chroot numaring cat -n 5 /tmp/trace | wc -l)" -ge 5
check "numaring-bench is there" in_chroot numaring-bench --version
for file in share/man/man1/numaring-record.1.gz share/bash-completion/completions/numaring \
	share/zsh/vendor-completions/_numaring lib/systemd/system/numaring.service share/doc/numaring/copyright \
	share/doc/numaring/README.md share/man/man5/numaring-trace.5.gz; do
	# A minimal Debian may be told to leave out documentation.
	check "/usr/$file" test -e "chroot/usr/$file"
done
check "the unit is not enabled" test -z "$(find chroot/etc/systemd -name 'numaring*' 2>/dev/null)"

mkdir -p chroot/var/lib/numaring/numaring-20260101-000000
check "numaring is removed" apt remove numaring
check "the traces of the unit are kept" test -d chroot/var/lib/numaring/numaring-20260101-000000
check "everything is purged" apt purge --autoremove numaring libnumaring0
list_files >after
check "nothing is left" diff before after

# shellcheck disable=SC2086
check "all packages and a compiler install" apt install $packages clang gcc libc6-dev make pkg-config
cp -r chroot/usr/share/doc/numaring/examples chroot/tmp/examples
check "an example builds" in_chroot make -s -C /tmp/examples/schedlat
check "it runs" in_chroot sh -c 'cd /tmp/examples/schedlat && ./schedlat -d 1 >/tmp/out'
check "it saw something" grep -qE '^[1-9][0-9]* [a-z]+, [0-9]+ lost$' chroot/tmp/out
check "the BPF tools build" in_chroot make -s -C /tmp/examples/tools
check "numaring records their events" in_chroot numaring record --object /tmp/examples/tools/execsnoop.bpf.o \
	-o /tmp/own -- sh -c /bin/true
equal "Python reads them" "$(in_chroot python3 -c 'import numaring; print(len(list(numaring.open("/tmp/own"))))')" \
	"$(in_chroot numaring cat --json /tmp/own | grep -c '"event"')"
# shellcheck disable=SC2086
check "all packages install again" apt install --reinstall $packages
equal "the same version" "$(in_chroot numaring --version)" "$("$NUMARING" --version)"
names=$(for deb in debs/*.deb; do dpkg-deb -f "$deb" Package; done)
# shellcheck disable=SC2086
check "all packages are purged" apt purge $names
check "nothing of numaring is left" test -z "$(list_files | grep -E 'numaring|dist-packages/__pycache__')"
finish
