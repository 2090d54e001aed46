#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Directories that exports write: who may read them, what they replace, a full disk, and Ctrl-C.
. "$(dirname "$0")/../lib.sh"
TABLES=$(dirname "$NUMARING")/tests/tables
scratch
umask 000
"$TABLES" t && "$TABLES" many many || fail "no trace was made"

export_() { # ARGUMENTS...: its message in err
	"$NUMARING" export t "$@" 2>err
}

refused() { # WHAT WORDS STATUS ARGUMENTS...
	local what=$1 words=$2 status=$3
	shift 3
	export_ "$@"
	equal "$what: exit status" $? "$status"
	check "$what: says so" grep -qF -- "$words" err
	equal "$what: in one sentence" "$(wc -l <err)" 1
}

for format in parquet csv; do
	export_ --to $format -o new || fail "$format: $(cat err)"
	equal "$format: only the owner reads it" "$(stat -c %a new new/kinds.$format new/.numaring-export | paste -sd,)" 700,600,600
	cp new/kinds.$format first
	refused "$format again" "new already holds an export; use --force to overwrite it" 1 --to $format -o new
	touch new/mine
	refused "$format: another file" "new holds other files: give a new or an empty directory" 1 --to $format -o new --force
	equal "$format: another file stays" "$(find new -name 'kinds*' -o -name mine | LC_ALL=C sort | paste -sd,)" "new/kinds.$format,new/mine"
	rm new/mine
	export_ --to $format -o new/ --force || fail "$format: --force: $(cat err)"
	check "$format: the same again" cmp first new/kinds.$format
	rm -r new
	mkdir -m 755 empty
	export_ --to $format -o empty || fail "$format: into an empty directory: $(cat err)"
	equal "$format: an empty directory keeps its mode" "$(stat -c %a empty empty/kinds.$format | paste -sd,)" 755,600
	rm -r empty
	export_ --to $format --group "$(id -g)" -o shared || fail "$format: --group: $(cat err)"
	equal "$format: the group reads it" "$(stat -c %a shared shared/kinds.$format | paste -sd,)" 750,640
	rm -r shared
	ln -s aim link && mkdir aim
	export_ --to $format -o link || fail "$format: a link: $(cat err)"
	check "$format: an own link is followed" test -e aim/kinds.$format
	rm -r aim link
	mkdir full && touch full/foreign
	refused "$format: foreign files" "full holds other files" 1 --to $format -o full
	refused "$format: foreign files, --force" "full holds other files" 1 --to $format -o full --force
	refused "$format: in the trace" "t/x is inside the trace directory" 2 --to $format -o t/x
	refused "$format: the trace" "t holds other files" 1 --to $format -o t --force
	refused "$format: no parent" "cannot write nowhere/new: No such file or directory" 1 --to $format -o nowhere/new
	refused "$format: a file" "first is no directory" 1 --to $format -o first --force
	rm -r full first
done

# -o NAME.csv, a pipe and a descriptor are one table of all types.
export_ --to csv -o one.csv || fail "one table: $(cat err)"
check "one table" grep -q '^time,ts,cpu,event,lost,late' one.csv
mkfifo pipe
cat pipe >piped &
export_ --to csv -o pipe || fail "a pipe: $(cat err)"
wait
check "a pipe" cmp one.csv piped
export_ --to csv -o /dev/fd/1 >described || fail "a descriptor: $(cat err)"
check "a descriptor" cmp one.csv described

# Filters and windows.
equal "-n" "$("$NUMARING" export many --to csv -n 2 -o two && tail -qn +2 two/*.csv | wc -l)" 2
equal "--filter" "$("$NUMARING" export many --to csv --filter 'value == 42' -o v && tail -qn +2 v/*.csv | wc -l)" \
	"$("$NUMARING" cat --json many --filter 'value == 42' | wc -l)"
equal "--to TIME" "$("$NUMARING" export many --to csv --to 10ms -o w && tail -qn +2 w/*.csv | wc -l)" \
	"$("$NUMARING" cat --json many --to 10ms | wc -l)"

# Ctrl-C. On a fast machine the export may be done before; then again.
stop() { # FORMAT: interrupts an export after it has begun, and prints how it ended
	local status
	for _ in 1 2 3 4 5; do
		rm -rf stopped
		"$NUMARING" export many --to "$1" -o stopped &
		await test -e stopped/.numaring-export
		kill -INT $!
		wait $! 2>/dev/null
		status=$?
		[ $status = 0 ] || break
	done
	echo "$status $(ls -d stopped 2>/dev/null)"
}
set -m # otherwise INT is ignored in the background
equal "Ctrl-C, parquet" "$(stop parquet)" "130 "
equal "Ctrl-C, csv" "$(stop csv)" "130 "

# A file stays until the one that replaces it is whole.
echo precious >kept.json
(ulimit -f 8; "$NUMARING" export --to jsonl --force -o kept.json many 2>err)
equal "no room for the new file: the old one" "$(cat kept.json)" precious
check "no room for the new file: no part is left" test -z "$(find . -name '.numaring-[0-9]*')"
script -qec "$NUMARING export --to perfetto t" /dev/null </dev/null >err
check "perfetto refuses a terminal" grep -q 'perfetto is not for a terminal: use -o FILE' err
set +m

# A terminal sees how far it is, if it takes long: here, because its reader sleeps.
if command -v script >/dev/null; then
	mkfifo slow
	(exec <slow && sleep 1 && cat >/dev/null) &
	shown=$(TERM=xterm script -qec "'$NUMARING' export many --to csv -o slow" /dev/null </dev/null | tr '\r' '\n')
	wait
	check "progress on a terminal" grep -q '[0-9] %  [0-9.]*k\? events' <<<"$shown"
else
	echo "note: script is not installed, progress was not tried"
fi

# A trace that ends too early: what is there is exported.
cp -r t short && truncate -s -100 short/stream
"$NUMARING" export short --to csv -o part 2>err
equal "a damaged trace: exit status" $? 1
check "a damaged trace: what is whole is there" test -e part/.numaring-export

if [ "$(id -u)" != 0 ]; then
	echo "note: only root can try a full disk and links of others"
	finish
fi
mkdir -m 777 theirs aim
ln -s ../aim theirs/link && chown -h 65534 theirs/link
refused "a link of another user" "theirs/link is a symbolic link of another user" 1 --to csv -o theirs/link
mkdir small
mount -t tmpfs -o size=256k none small || skip "no tmpfs can be mounted"
trap 'umount "$dir/small"; rm -rf "$dir"' EXIT
for format in parquet csv; do
	"$NUMARING" export many --to $format -o small/new 2>err
	equal "$format, full disk: exit status" $? 1
	check "$format, full disk: says so" grep -q '^numaring: cannot write small/new/.*: No space left on device$' err
	equal "$format, full disk: in one sentence" "$(wc -l <err)" 1
	equal "$format, full disk: nothing is left" "$(ls -A small)" ""
done
for format in perfetto csv jsonl; do
	"$NUMARING" export many --to $format -o small/new.csv 2>err
	equal "$format, a file, full disk: exit status" $? 1
	equal "$format, a file, full disk: says so" "$(cat err)" \
		"numaring: cannot write small/new.csv: No space left on device"
	equal "$format, a file, full disk: nothing is left" "$(ls -A small)" ""
done
finish
