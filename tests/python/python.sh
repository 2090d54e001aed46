#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The Python module: its events are those of `numaring cat --json`, and its columns are those of its events.
# With and without numpy. The blocks of docs/python.md run, too.
. "$(dirname "$0")/../lib.sh"
root=$(realpath "$(dirname "$0")/../..")
build=$(dirname "$NUMARING")
: "${ODD:=$build/tests/odd}" "${TRACES:=$build/tests/traces}" "${KINDS:=$build/tests/python/kinds}"
ODD=$(realpath "$ODD") TRACES=$(realpath "$TRACES") KINDS=$(realpath "$KINDS")
python=/usr/bin/python3
[ -x $python ] || skip "there is no $python: install python3"
nm -D "$build/libnumaring.so" | grep -qE '__(asan|tsan|ubsan)_' &&
	skip "this build has sanitizers in it, python without them cannot load it"
scratch
export NUMARING LD_LIBRARY_PATH=$build PYTHONPATH=$root/python PYTHONDONTWRITEBYTECODE=1 TZ=UTC

"$KINDS" kinds || fail "kinds: cannot be made"
for kind in raw twins gap late-loss past far; do
	"$ODD" $kind $kind || fail "$kind: cannot be made"
done
"$TRACES" make flat 7 && "$TRACES" series flat series 10 || fail "series: cannot be made"

# Damage in the middle, and a recorder that was killed.
cp -r kinds broken && printf 'x' | dd of=broken/stream bs=1 seek=100000 conv=notrunc status=none
cp -r kinds killed && truncate -s -50 killed/stream

why=$(no_bpf)
if [ -z "$why" ]; then
	"$NUMARING" record -e sched,syscalls -o real -- sh -c 'ls / | sort' >/dev/null || fail "real: cannot be recorded"
else
	echo "note: nothing is recorded: $why"
fi

$python -c 'import numpy' 2>/dev/null && numpy=yes
[ "${numpy-}" ] || echo "note: python3-numpy is not installed"
for with in ${numpy:+numpy} plain; do
	check "$with" env WITH=$with $python -W error "$root/tests/python/check.py"
done

# The page.
awk '/^```python$/ { shown = 1; next } /^```$/ { shown = 0 } shown' "$root/docs/python.md" >page.py
check "docs/python.md has examples" grep -q numaring.open page.py
if [ -d real ] && [ "${numpy-}" ]; then
	cp -r real trace
	check "docs/python.md: its examples run" eval '$python page.py >page.out'
fi
finish
