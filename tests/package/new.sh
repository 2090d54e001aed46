#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# numaring new: what it writes builds at once with the installed package, and records.
. "$(dirname "$0")/../lib.sh"
: "${BUILD:=$(dirname "$NUMARING")}" "${CMAKE:=cmake}"
BUILD=$(realpath "$BUILD")
need clang pkg-config make jq
scratch
for component in library dev tool; do
	"$CMAKE" --install "$BUILD" --prefix "$PWD/prefix" --component $component >>log || {
		fail "install: $(tail -n 3 log)"
		finish
	}
done
PKG_CONFIG_PATH=$(dirname "$(find "$PWD/prefix" -name numaring.pc)")
export PKG_CONFIG_PATH
PATH=$PWD/prefix/bin:$PATH

check "it writes" numaring new exits >said
cat said
equal "the files" "$(cd exits && echo *)" "Makefile README.md exits.bpf.c"
equal "no mark is left" "$(grep -l '@NAME@' exits/*)" ""
# The next two commands are the ones that it prints.
mapfile -t next < <(sed -n 's/^  //p' said)
equal "two commands" "${#next[@]}" 2
# shellcheck disable=SC2086
check "${next[0]}" ${next[0]} CLANG="clang -Werror"
# Without the package, make says what to do.
PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=/nonexistent make -C exits 2>err && fail "make without the package"
check "without the package" grep -q 'pkg-config does not find numaring: install' err

# All characters, the longest name, and one that a type of the kernel has; in an empty directory.
for name in _ Exits_2 task_struct abcdefghijklmnopqrstuvwxyz_ABCDE; do
	mkdir -p "a dir/$name"
	check "$name" numaring new $name "a dir/$name" >said
	check "$name: make" sh -c "$(sed -n 's/^  \(make .*\)/\1/p' said)" >made 2>&1 || cat made
done

# What fails leaves nothing behind.
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=4k none full 2>/dev/null; then
	numaring new toolarge full/x >out 2>err
	equal "full disk: exit status" $? 1
	check "full disk: one sentence" test "$(wc -l <err)" = 1
	equal "full disk: nothing is left" "$(ls full)" ""
	umount full
fi
numaring new exits other >/dev/full 2>err
equal "no room for what it says: exit status" $? 1
check "no room for what it says: says so" grep -q 'cannot write to standard output: No space left' err

why=$(no_bpf) && {
	echo "note: nothing is recorded: $why"
	finish
}
# The second command, with a process that is known in place of the time.
record=${next[1]#sudo }
# shellcheck disable=SC2086
check "${next[1]}" ${record/ -d 5/} -- sh -c 'sh -c "sleep 0.02; exit 7"; sh -c "kill -9 \$\$"; true' 2>err
cat err
numaring cat --json trace | jq -c 'select(.event == "exits_exit") | .fields' >events
check "a status, and how long it lived" test "$(jq -s 'map(select(.status == 7 and .signal == 0 and
	.lifetime_ns > 20000000 and .comm == "sh")) | length' events)" -ge 1
check "a signal" test "$(jq -s 'map(select(.signal == 9)) | length' events)" -ge 1
rm -rf trace
# shellcheck disable=SC2086
check "its constant" ${record/ -d 5/} --set shortest_ns=10000000 -- sh -c 'sleep 0.02; for i in 1 2 3; do /bin/true; done'
equal "only long lives" "$(numaring cat --json trace | jq -c 'select(.fields.lifetime_ns < 10000000)')" ""
finish
