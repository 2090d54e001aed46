#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The package: installs into a prefix, then builds a C program, a C++ program and the examples with only that
# prefix.
. "$(dirname "$0")/../lib.sh"
: "${BUILD:=$(dirname "$NUMARING")}" "${CMAKE:=cmake}"
BUILD=$(realpath "$BUILD")
here=$(realpath "$(dirname "$0")")
need cc c++ clang clang++ pkg-config make nm readelf
nm -D "$BUILD/libnumaring.so" | grep -qE '__(asan|tsan|ubsan)_' &&
	skip "this build has sanitizers in it, programs without them cannot link to it"
scratch
can_record() { ! no_bpf >/dev/null; }
can_record || echo "note: nothing is recorded, that needs the right to load BPF programs, and BTF"
unset LD_LIBRARY_PATH

"$CMAKE" --install "$BUILD" --prefix "$PWD/first" >log || {
	fail "install: $(cat log)"
	finish
}
mv first prefix # nothing may store the install path
lib=$(dirname "$(find "$PWD/prefix" -name libnumaring.so.0)")
export PKG_CONFIG_PATH=$lib/pkgconfig

# The library exports exactly the functions that the headers declare, with a version.
nm -D --defined-only "$lib/libnumaring.so" | awk '$2 != "A" { print $3 }' | sort >exported
cat prefix/include/numaring/*.h | tr '\n' ' ' | grep -oE 'NR_API [^;(]*\(' | grep -oE 'nr_[a-z_]+\(' |
	sed 's/(/@@NUMARING_0.1/' | sort >declared
check "the headers declare functions" test "$(wc -l <declared)" -gt 30
check "exported is what is declared" diff exported declared
equal "soname" "$(readelf -d "$lib/libnumaring.so" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')" \
	libnumaring.so.0

# A missing dependency is named at once, even if it is the tool that finds the others.
"$CMAKE" -S "$here/../.." -B missing -DPKG_CONFIG_EXECUTABLE=/nonexistent >log 2>&1 &&
	fail "the build does without pkg-config"
check "missing: all in one line" grep -q 'apt-get install pkg-config libbpf-dev libhwloc-dev' log

# An unknown architecture is refused, not taken for another one.
"$CMAKE" -S "$here/../.." -B other -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=riscv64 >log 2>&1 &&
	fail "the build takes riscv64 for something else"
check "another machine: says so" grep -q 'and not on riscv64' log

# Every header compiles alone. (record.h takes its integers from vmlinux.h or <linux/types.h>.)
for header in prefix/include/numaring/*.h; do
	name=$(basename "$header")
	case $name in *.bpf.h | vmlinux.h | record.h) continue ;; esac
	echo "#include <numaring/$name>" >alone.c
	cp alone.c alone.cc
	strict="-pedantic-errors -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iprefix/include"
	# shellcheck disable=SC2086
	check "$name alone" eval "cc -std=c11 $strict alone.c && cc -std=c17 $strict alone.c &&
		c++ -std=c++17 $strict alone.cc && c++ -std=c++20 $strict alone.cc &&
		clang++ -std=c++17 $strict alone.cc"
	cat alone.c >>together.cc
done
for compiler in c++ clang++; do
	# shellcheck disable=SC2086
	check "all headers together: $compiler" eval "$compiler -std=c++17 $strict together.cc &&
		$compiler -std=c++20 $strict together.cc"
done

# A C program through pkg-config.
# shellcheck disable=SC2046
check "C program builds" cc -std=c11 -Wall -Werror "$here/user.c" -o user \
	$(pkg-config --cflags --libs numaring) "-Wl,-rpath,$lib"
equal "C program" "$(./user)" "2 shards, the last on node 1"
equal "pkg-config's version is the program's" "$(pkg-config --modversion numaring)" \
	"$(prefix/bin/numaring --version | grep -oE '[0-9.]+$')"

equal "the header's version is the program's" \
	"$(echo NR_VERSION_MAJOR.NR_VERSION_MINOR.NR_VERSION_PATCH |
		cc -E -P -include numaring/version.h -Iprefix/include - | tail -n 1 | tr -d ' ')" \
	"$(prefix/bin/numaring --version | grep -oE '[0-9.]+$')"

# A program with the library of another version reports it.
echo 'const char *nr_version_string(void) { return "9.8.7"; }' >other.c
check "another library builds" cc -shared -fPIC other.c -o other.so
equal "a program with another library" "$(LD_PRELOAD=$PWD/other.so prefix/bin/numaring --version)" \
	"$(prefix/bin/numaring --version), with libnumaring 9.8.7"

equal "pkg-config's prefix" "$(realpath "$(pkg-config --variable=prefix numaring)")" "$(realpath prefix)"

# A C++ program through CMake.
check "C++ program configures" "$CMAKE" -S "$here/cxx" -B cxx "-DCMAKE_PREFIX_PATH=$PWD/prefix" \
	-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
check "C++ program builds" "$CMAKE" --build cxx
check "C++ program" cxx/user
"$BUILD/tests/odd" raw for-cxx || fail "a trace for the C++ program cannot be made"
equal "C++ program: a trace" "$(cxx/user for-cxx | tr '\n' ' ')" \
	"known x = 67305985 numaring:raw  sum 3500 "
can_record && check "C++ program: a collector" cxx/user record

# The programs of docs/api.md.
page=$here/../../docs/api.md
show() {
	awk -v name="$1" '$0 == "```c " name { shown = 1; next } /^```$/ { shown = 0 } shown' "$page"
}
arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
for name in plan cat slow sum stacks record both live mark; do
	show $name.c >$name.c
	bpf=$([ $name != mark ] || echo -lbpf)
	# shellcheck disable=SC2046,SC2086
	check "docs/api.md: $name.c builds" cc -Wall -Wextra -Werror $name.c -o $name \
		$(pkg-config --cflags --libs numaring) $bpf "-Wl,-rpath,$lib"
done
show mark.bpf.c >mark.bpf.c
# shellcheck disable=SC2046
check "docs/api.md: mark.bpf.c builds" clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror \
	"-D__TARGET_ARCH_$arch" $(pkg-config --cflags numaring) -c mark.bpf.c -o mark.bpf.o
./plan >plan.out
check "docs/api.md: plan.c prints what the page says" \
	test "$(wc -l <plan.out) $(grep -cFxf plan.out "$page")" = "5 5"
"$BUILD/tests/odd" raw raw || fail "a trace with a record of no type cannot be made"
./cat raw >cat.out || fail "docs/api.md: cat.c reads a record of no type"
check "docs/api.md: cat.c shows a record of no type" grep -qE '^[0-9]+ numaring:raw 4 bytes$' cat.out
equal "docs/api.md: slow.c needs system calls" "$(./slow raw 2>&1)" \
	"filter, column 1: there is no event type sys_exit, and no such field"
check "docs/api.md: cat.c finds the end mark" grep -q '^0 not written$' cat.out
if can_record; then
	check "docs/api.md: record.c runs" ./record trace mark.bpf.o
	./cat trace >cat.out || fail "docs/api.md: cat.c runs"
	check "docs/api.md: cat.c reads to the end" grep -qE '^[0-9]+ lost$' cat.out
	prefix/bin/numaring record -e sample -o sampled -- sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done' \
		>/dev/null || fail "sample"
	./stacks sampled >stacks.out || fail "docs/api.md: stacks.c runs"
	check "docs/api.md: stacks.c names places" grep -qE '\+0x[0-9a-f]+' stacks.out
	./live >live.out || fail "docs/api.md: live.c runs"
	check "docs/api.md: live.c counts" grep -qE '^[1-9][0-9]* switches$' live.out
	./both >both.out 2>both.err || fail "docs/api.md: both.c runs"
	equal "docs/api.md: both.c: lines are events" "$(wc -l <both.out)" \
		"$(sed -n 's/^json lines: \([0-9]*\) events, 0 missed$/\1/p' both.err)"
	check "docs/api.md: both.c: the trace has as many" grep -q "^both-trace: $(wc -l <both.out) events, 0 missed$" both.err
	equal "docs/api.md: mark.c" "$(./mark 2>/dev/null | tr '\n' ' ')" "mark 1 mark 2 mark 3 "
fi

# The programs find their library in any prefix.
check "numaring runs from the prefix" prefix/bin/numaring --version
check "numaring tune does" prefix/bin/numaring tune --help
equal "it uses the prefix's library" \
	"$(realpath "$(ldd prefix/bin/numaring | awk '/libnumaring/ { print $3 }')")" \
	"$(realpath "$lib/libnumaring.so.0")"

# The Python module finds the library of its prefix.
if [ -x /usr/bin/python3 ]; then
	equal "the Python module" "$(PYTHONPATH=$(dirname "$(find "$PWD/prefix" -name numaring.py)") \
		/usr/bin/python3 -B -c 'import numaring; print(len(list(numaring.open("for-cxx"))), numaring._lib._name)')" \
		"2 $lib/libnumaring.so.0"
else
	echo "note: the Python module is not tried: there is no /usr/bin/python3"
fi

# Documentation, licence, completion and the unit are in the prefix.
for file in doc/numaring/LICENSE doc/numaring/README.md doc/numaring/docs/format.md \
	bash-completion/completions/numaring zsh/site-functions/_numaring; do
	check "share/$file is installed" test -r "prefix/share/$file"
done
unit=prefix/lib/systemd/system/numaring.service
check "the unit is installed" grep -q '^ExecStart=/.*/bin/numaring record' $unit
if command -v scdoc >/dev/null; then
	check "manual pages are installed" test -r prefix/share/man/man1/numaring-record.1.gz
	check "also of the library" test -r prefix/share/man/man3/libnumaring.3.gz
fi

# The examples from the installed documentation.
cp -r prefix/share/doc/numaring/examples .
for example in schedlat pktstat; do
	check "$example builds" make -s -C examples/$example CFLAGS="-O2 -Wall -Wextra -Werror"
	can_record || continue
	while sleep 0.1; do echo x >/dev/udp/127.0.0.1/9; done 2>/dev/null & # causes packets and wake-ups
	examples/$example/$example -d 1 >out || fail "$example runs"
	check "$example saw something" grep -qE '^[1-9][0-9]* [a-z]+, [0-9]+ lost$' out
	kill $!
done
check "the four tools build" make -s -C examples/tools
finish
