#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Other users and programs: who may read the output, what another user can do to a recording, and what is
# reported when somebody changes a file during the recording.
. "$(dirname "$0")/../lib.sh"
root=$(realpath "$(dirname "$0")/../..")
need jq clang flock setpriv fallocate
need_bpf
scratch
chmod 755 .
[ "$(id -u)" = 0 ] || skip "another user takes root"

other() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
mode() { stat -c %a "$1"; }

# ---- who may read it ----
umask 0
"$NUMARING" record -d 0.1 -o t --stats-json s.json >/dev/null || fail "t: status $?"
"$NUMARING" record --format jsonl -d 0.1 -o l.json --stats-json s.json 2>/dev/null || fail "l.json: status $?"
"$NUMARING" export --to jsonl -o e.json t || fail "export: status $?"
equal "modes" "$(mode t) $(mode t/stream) $(mode t/metadata) $(mode t/.btf) $(mode l.json) $(mode s.json) $(mode e.json)" \
	"700 600 600 600 600 600 600"
check "no lock is left" test ! -e t/.numaring.lock
"$NUMARING" record -d 0.1 -o g --group 65534 >/dev/null || fail "g: status $?"
"$NUMARING" record --format jsonl -d 0.1 -o g.json --group nogroup --stats-json gs.json 2>/dev/null ||
	fail "g.json: status $?"
"$NUMARING" export --to jsonl -o ge.json --group nogroup g || fail "ge.json: status $?"
equal "modes for a group" "$(mode g) $(mode g/stream) $(mode g.json) $(mode gs.json) $(mode ge.json)" "750 640 640 640 640"
equal "their group" "$(stat -c %g g g/stream g/metadata g.json gs.json ge.json | sort -u)" 65534
cp "$NUMARING" "$(ldd "$NUMARING" | awk '/libnumaring/ { print $3 }')" . && chmod 755 numaring libnumaring*
check "the group reads it" other env LD_LIBRARY_PATH="$dir" ./numaring stat g >/dev/null
"$NUMARING" record -d 0.1 -o g --force --group nobody-has-this 2>err
equal "unknown group: exit status" $? 2
check "unknown group: says so" grep -q 'unknown group "nobody-has-this"' err
echo old >l.json && chmod 644 l.json
"$NUMARING" record --format jsonl -d 0.1 -o l.json --force 2>/dev/null || fail "l.json again: status $?"
equal "a file that is replaced is a new one" "$(mode l.json)" 600
echo old >s.json && chmod 640 s.json
"$NUMARING" record -d 0.1 -o t --force --stats-json s.json >/dev/null || fail "s.json again: status $?"
equal "statistics replace what is there" "$(mode s.json)" 600
check "and have new numbers" jq -e .events_written s.json >/dev/null
umask 022

# ---- another user ----
# A reader's lock does not stop a recording.
chmod 755 t && chmod 644 t/*
other flock t/stream sleep 60 &
locker=$!
await sh -c 'flock -n t/stream true; test $? = 1'
"$NUMARING" record -d 0.1 -o t --force >/dev/null
equal "under another user's flock: exit status" $? 0
kill $locker
rm -rf t

# A start that fails late, in a directory whose owner replaces the trace with a link.
mkdir -p include/numaring
ln -s "$root"/include/numaring/*.h "$root"/bpf/*.h include/numaring/
cat >late.bpf.c <<'BPF'
#include <numaring/vmlinux.h>
#include <numaring/numaring.bpf.h>
char LICENSE[] SEC("license") = "GPL";
struct late { __u64 value; };
NR_EVENT(late, 1);
SEC("tp/numaring/no_such_tracepoint")
int run(void *ctx) { return 0; }
BPF
clang -target bpf -mcpu=v3 -O2 -g "-D__TARGET_ARCH_$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')" \
	-Iinclude -c late.bpf.c -o late.bpf.o || fail "late does not compile"
mkdir home victim && chown 65534 home
cat >swapper <<'SH'
cd home || exit
until [ -e ../ended ]; do
	[ -e t ] && sleep "$1" && mv t aside 2>/dev/null && ln -s ../victim t && exit
done
SH
for ((i = 0; i < 5; i++)); do
	touch victim/{stream,metadata,.btf}
	other timeout 60 bash swapper 0.00$i &
	(cd home && exec "$NUMARING" record -e sched --object ../late.bpf.o -o t 2>../err)
	equal "late start $i: exit status" $? 1
	touch ended
	wait
	rm ended
	equal "what the link leads to is there" "$(ls -A victim | paste -sd ' ')" ".btf metadata stream"
	[ -d home/aside ] && check "nothing is left elsewhere" test -z "$(ls -A home/aside)" && swapped=yes
	rm -rf home/{t,aside}
done
equal "swapped at least once" "${swapped-no}" yes
check "the reason of the start is said" grep -q no_such_tracepoint err

# Another user's link in place of a file or a directory.
echo precious >victim/stream
other ln -s ../victim/stream home/l.json
for option in "--format jsonl -o" "--stats-json"; do
	"$NUMARING" record -d 0.1 --force $option home/l.json -- true 2>err
	equal "$option: a link of another user: exit status" $? 1
	check "$option: says so" grep -q "l.json is a symbolic link of another user" err
done
other mkfifo home/f && other ln -s f home/fifo && ln -s home/fifo to-fifo
for output in home/fifo to-fifo; do
	for option in "--format jsonl -o" "--stats-json"; do
		other timeout 5 cat home/f >got &
		"$NUMARING" record -d 0.1 --force $option $output -- true >out 2>err
		equal "$option $output: a link of another user to a FIFO: exit status" $? 1
		check "$option $output: says so" grep -q "$output is a symbolic link of another user" err
		kill $! && wait $!
		equal "$option $output: what they read" "$(cat got)" ""
	done
done
other ln -s ../victim home/d
"$NUMARING" record -d 0.1 -o home/d --force 2>err
equal "a directory that is a link of another user: exit status" $? 1
check "says so" grep -q "home/d is a symbolic link of another user" err
equal "what they lead to is untouched" "$(cat victim/stream)" precious
ln -s l.json mine.json
"$NUMARING" record --format jsonl -o mine.json --force -- sleep 0.1 2>err || fail "a link of ours: $(cat err)"
check "a link of ours is followed" test -L mine.json -a -s l.json

# Two recordings replace one trace at once: one succeeds, the other says why it failed.
"$NUMARING" record -d 0.1 -o t >/dev/null
for i in 1 2; do
	("$NUMARING" record -d 3 -o t --force >/dev/null 2>err$i; echo $? >status$i) &
done
wait
equal "two at once: exit status" "$(sort status1 status2 | paste -sd ' ')" "0 1"
check "two at once: says so" grep -q "t is being recorded into" err1 err2
check "the trace is there" "$NUMARING" stat t >/dev/null

# ---- changes while it is recorded ----
larger_than() { # BYTES OUTPUT
	local file=$2
	[ -d "$file" ] && file=$2/stream
	[ -n "$(find "$file" -size "+$1c" 2>/dev/null)" ]
}

changed() { # WHAT WORDS OUTPUT OPTION... -- COMMAND: COMMAND changes the output, which ends the recording early
	local what=$1 words=$2 output=$3 options=() recorder begin=$SECONDS
	shift 3
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	rm -rf "$output"
	"$NUMARING" record "${options[@]}" --stats-json s.json -d 30 -o "$output" >out 2>err &
	recorder=$!
	await larger_than 20000 "$output"
	"$@"
	wait $recorder
	equal "$what: exit status" $? 1
	check "$what: ended at once" test $((SECONDS - begin)) -lt 25
	check "$what: says so" grep -q "$words" err
	equal "$what: in one sentence" "$(grep -c ^numaring: err)" 1
	check "$what: the statistics say so" jq -e .error s.json >/dev/null
}

changed "cut by a rotation" "t/stream was truncated from [0-9]* to 0 bytes" t -- truncate -s 0 t/stream
changed "removed" "t/stream was removed" t -- rm -r t
changed "metadata removed" "t/metadata was removed" t -- rm t/metadata
changed "JSON lines cut by a rotation" "truncated l.json from [0-9]* to 0 bytes" l.json --format jsonl -- truncate -s 0 l.json
check "JSON lines: no zeros" sh -c "test \$(tr -d -c '\\\\0' <l.json | wc -c) = 0"
changed "JSON lines removed" "removed l.json" l.json --format jsonl -- rm l.json
rm -f l.json
"$NUMARING" record --format jsonl -d 30 >l.json 2>err &
recorder=$!
await larger_than 20000 l.json
truncate -s 0 l.json
wait $recorder
equal "standard output cut by a rotation: exit status" $? 1
check "standard output cut by a rotation: says so" grep -q "truncated standard output from" err
rm -rf t s.json
"$NUMARING" record -o t --stats-json s.json -- rm s.json >/dev/null 2>err
equal "statistics removed: exit status" $? 1
check "statistics removed: says so" grep -q "removed s.json: its content is lost" err
if fallocate -l 8192 probe && fallocate -p -o 0 -l 4096 probe; then
	rm -rf t
	"$NUMARING" record -e syscalls -d 30 -o t -- sh -c '
		while [ "$(stat -c %s t/stream)" -lt 20000 ]; do sleep 0.1; done
		fallocate -p -o 4096 -l 4096 t/stream' >out 2>err
	equal "a hole: exit status" $? 1
	check "a hole: says so" grep -q "t/stream was overwritten in packet" err
	for hole in "fallocate -p -o 4096 -l 4096" "truncate -s +8192"; do
		rm -f l.json
		"$NUMARING" record -e syscalls --format jsonl -o l.json -d 30 -- sh -c "
			while [ \$(stat -c %s l.json) -lt 20000 ]; do sleep 0.1; done
			sync l.json; $hole l.json; sleep 0.5" >out 2>err
		equal "JSON lines, $hole: exit status" $? 1
		check "JSON lines, $hole: says so" grep -q "another program made a hole in l.json at byte" err
	done
fi

for file in metadata .btf; do
	rm -rf t
	"$NUMARING" record -d 10 -o t -- sh -c "printf X | dd of=t/$file bs=1 seek=50 conv=notrunc 2>/dev/null" \
		>out 2>err
	equal "$file overwritten: exit status" $? 1
	check "$file overwritten: says so" grep -q "t/$file was overwritten" err
done

# ---- a limit on the size of files ----
rm -rf t
"$NUMARING" record -d 0.1 -o t >/dev/null
events=$("$NUMARING" stat --json t | jq .events)
(ulimit -f 2 && exec "$NUMARING" record -d 0.1 -o t --force >/dev/null 2>err)
equal "a file size limit: exit status" $? 1
check "a file size limit: says so" grep -q "t/metadata: File too large: raise the file size limit (ulimit -f)" err
equal "a file size limit: the old trace" "$("$NUMARING" stat --json t | jq .events)" "$events"
equal "nothing else is left" "$(ls -A t | paste -sd ' ')" ".btf metadata stream"
rm -f l.json s.json
(ulimit -f 2 && exec "$NUMARING" record --format jsonl -d 0.3 -o l.json >/dev/null 2>err)
equal "a file size limit, JSON lines: exit status" $? 1
check "a file size limit, JSON lines: says so" grep -q "File too large: raise the file size limit (ulimit -f)" err
(ulimit -f 1 && exec "$NUMARING" record --format jsonl -d 0.1 -o /dev/null --stats-json s.json 2>err)
equal "a file size limit, statistics: exit status" $? 1
check "a file size limit, statistics: says so" \
	grep -q "s.json: File too large: raise the file size limit (ulimit -f)" err
file_signal() { echo $((0x$(awk '/SigIgn/ { print $2 }' "$1") & 1 << 24)); } # 25 is SIGXFSZ
"$NUMARING" record -o t2 -- cat /proc/self/status >out
equal "the command hears of its limits as we do" "$(file_signal out)" "$(file_signal /proc/self/status)"
finish
