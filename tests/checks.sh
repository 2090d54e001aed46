#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# .ci/rooms, .ci/circles and .ci/format find what they look for: in a copy of the sources, and in objects made here.
root=$(realpath "$(dirname "$0")/..")
# shellcheck source=tests/lib.sh
. "$root/tests/lib.sh"
scratch
mkdir docs
cp "$root/docs/architecture.md" docs
cp -r "$root"/{.clang-format,include,bpf,topology,src,bench,tests} .

check "the sources keep to the rooms" "$root/.ci/rooms" .

# refused WHAT SENTENCE: .ci/rooms fails and says so.
refused() {
	local said
	said=$("$root/.ci/rooms" .) && fail "$1: .ci/rooms does not fail"
	if grep -qF "$2" <<<"$said"; then
		echo "ok: $1"
	else
		fail "$1: said \"$said\", not \"$2\""
	fi
}

# includes FILE HEADER SENTENCE: refused once FILE has that include.
includes() {
	cp "$1" kept
	echo "#include $2" >>"$1"
	refused "$1 includes $2" "$1 includes $3"
	mv kept "$1"
}

includes src/merge/merge.c '"kernel/maps.h"' 'kernel/maps.h: merge may use base, ring, drain'
includes src/ring/ring.c '<bpf/libbpf.h>' 'bpf/libbpf.h: ring may use base'
includes src/packet/end.c '<fcntl.h>' 'fcntl.h: packet may use '
includes src/drain/sort.c '"../output/dir.h"' '../output/dir.h: drain may use base, ring'
includes src/cli/cat.c '"read/reader.h"' 'read/reader.h: cli may use '
includes src/cli/cat.c '"selftest.skel.h"' 'selftest.skel.h: cli may use '
includes bench/main.c '"merge/merge.h"' 'merge/merge.h: bench may use src/base/clock.h, src/merge/tree.h'
includes include/numaring/plan.h '"base/log.h"' 'base/log.h: numaring may use only the public API'
includes src/ring/ring.c '<lz4.h>' 'lz4.h, which is in no room and in no library'
includes src/cli/cat.c '"../../bench/sweep.h"' '../../bench/sweep.h: cli may use '

echo '#include "layout.h"' >>src/types/field.h
refused "headers in a circle" 'circle: src/types/'
sed -i '$d' src/types/field.h

mkdir src/new
echo '#include <errno.h>' >src/new/new.c
refused "a room without a row" 'src/new/new.c is in no room'
rm -r src/new

# row ROOM WORDS: adds WORDS to what ROOM may use.
row() {
	sed -i "/^| \`${1//\//\\/}\`/s/ |\$/, $2 |/" docs/architecture.md
}
row src/base merge
refused "rooms in a circle" ' uses src/merge (by the table)'
cp "$root/docs/architecture.md" docs
row src/ring hwlock
refused "an unknown word in the table" 'src/ring may use hwlock, which is no room, header or library'
cp "$root/docs/architecture.md" docs
check "and all is well again" "$root/.ci/rooms" .

echo 'int  f(void);' >src/new.h
"$root/.ci/format" . >said 2>&1
case $? in
0) fail "two blanks pass .ci/format" ;;
77) cat said ;;
*) check "two blanks in src/new.h" grep -q '^src/new.h:1:4: error:' said ;;
esac

# object NAME CODE: what the build leaves of src/NAME.c.
object() {
	echo "$2" | cc -x c -c - -o "build/src/CMakeFiles/some.dir/$1.c.o"
}
mkdir -p build/src/CMakeFiles/some.dir
object one 'int two(void); int one(void) { return two(); }'
object two 'int two(void) { return 2; }'
check "files that do not use each other" "$root/.ci/circles" build src
object two 'int three(void); int two(void) { return three(); }'
object three 'int one(void); int three(void) { return one(); }'
said=$("$root/.ci/circles" build src) && fail "a circle of three files passes"
equal "a circle of three files" "$said" \
	"circle: src/two.c uses src/three.c (three), which uses src/one.c (one), which uses src/two.c (two)"
finish
