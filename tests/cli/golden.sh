#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The exact output of the commands: --help and every refusal, with the exit status. `tests/cli/golden.sh
# --update` regenerates the expected files.
update=${1-}
golden=$(realpath "$(dirname "$0")/golden")
. "$(dirname "$0")/../lib.sh"
scratch
export LC_ALL=C COLUMNS=80

case_() { # NAME ARGUMENTS...: runs numaring, compares output, errors and status
	local name=$1
	shift
	{
		echo "\$ numaring $*"
		(exec -a numaring "$NUMARING" "$@") 2>&1 </dev/null
		echo "exit status $?"
	} >"got"
	if [ "$update" = --update ]; then
		cp got "$golden/$name"
	elif diff -u "$golden/$name" got; then
		echo "ok: $name"
	else
		fail "$name"
	fi
}

mkdir taken full
echo x >taken/metadata
echo x >full/file

case_ help --help
case_ help-of-unknown help dance
case_ none
case_ unknown-command dance
case_ record-help record --help
case_ top-help top --help
case_ top-bad-view top --view nothing
case_ top-bad-interval top -i 1ms
case_ top-no-interval top -n 0
case_ cat-help cat --help
case_ report-help report --help
case_ list-help list --help
case_ list-two-patterns list a b
case_ stat-help stat --help
case_ export-help export --help
case_ verify-help verify --help
case_ repair-help repair --help
case_ topology-help topology --help
case_ doctor-help doctor --help
case_ doctor-argument doctor now
case_ selftest-help selftest --help
case_ new-help new --help
case_ new new exits
case_ new-again new exits
case_ new-spaces new exits "it's here"
case_ new-bad-name new 2fast
case_ new-path new a/b
case_ new-no-name new
case_ new-too-many new a b c
case_ new-not-empty new exits full
case_ new-nowhere new exits missing/dir
case_ new-on-file new exits full/file
case_ record-bad-option record --dance
case_ record-bad-size record --ring-size 12Q
case_ record-bad-duration record -d soon
case_ record-long-duration record -d 5000000
case_ record-nowhere record -o ""
case_ record-sources record -e list
case_ record-nothing record -o t --
case_ record-same-output record -o t -o ./t
case_ record-nine-outputs record -o 1 -o 2 -o 3 -o 4 -o 5 -o 6 -o 7 -o 8 -o 9
case_ record-set-without-value record --object own.bpf.o --set limit -o t
case_ record-attach-without-target record --object own.bpf.o --attach on_packet -o t
case_ record-lines-in-trace record -o taken --force --format jsonl -o taken/lines
case_ record-lines-in-new-trace record -o new --format jsonl -o new/lines
case_ record-trace-in-trace record -o new -o ./new/sub
case_ record-trace-around-trace record -o taken/sub --force -o taken
case_ record-late-format record -o t -o u --format jsonl
case_ record-two-durations record -d 1 -d 2
case_ record-two-orders record --order rcu --order fence
case_ record-two-transports record --transport ring --transport lane
case_ record-two-formats record --format jsonl --format ctf
case_ record-two-policies record --shards node --shards cpu
case_ record-one-file record --format jsonl -o t --stats-json t
case_ record-trace-to-descriptor record -o /dev/stdout
case_ record-no-such-descriptor record --format jsonl -o /dev/fd/77
case_ record-many-units record -d 1h30m
case_ record-bad-source record -e sched,dance -o t
case_ record-bad-order record --order none
case_ record-bad-transport record --transport lanes
case_ record-bad-latency record --latency 0
case_ record-no-packers record --packers 0
case_ record-many-packers record --packers 65
case_ record-bad-packers record --packers abc
case_ record-bad-pid record -p self
case_ record-no-such-pid record -p 2147483647
case_ cat-no-trace cat nowhere
case_ cat-two-times cat --from 1 --from -2s nowhere
case_ cat-no-format cat --to csv nowhere
case_ cat-bad-date cat --from 2026-02-30 nowhere
case_ cat-bad-clock cat --from "2026-11-29 24:00" nowhere
case_ cat-bad-zone cat --from 2026-11-29T08:00+1 nowhere
case_ cat-bad-unit cat --from -10d nowhere
case_ cat-no-time cat --from "" nowhere
case_ stat-no-trace stat nowhere
case_ report-nothing report
case_ report-no-dir report runq
case_ report-unknown report runq,weather nowhere
case_ report-bad-number report runq -n 0 nowhere
case_ report-no-trace report runq nowhere
case_ report-diff-help report diff --help
case_ report-diff-one report diff a
case_ report-diff-bad-kind report diff a b weather
case_ report-diff-no-trace report diff nowhere taken
case_ stat-bad-time stat --to yesterday nowhere
case_ verify-nothing verify
case_ verify-two verify a b
case_ verify-no-trace verify nowhere
case_ repair-no-trace repair nowhere
case_ repair-dot repair ./
case_ repair-two-outputs repair -o new -o newer nowhere
case_ repair-both repair --in-place -o new nowhere
case_ cat-nothing cat
case_ cat-two-numbers cat -n 1 --number=2 x
case_ cat-bad-number cat -n many x
case_ record-bad-format record --format xml
case_ record-trace-to-stdout record -o -
case_ export-no-format export nowhere
case_ export-two-formats export --format csv --to jsonl nowhere
case_ export-two-outputs export --format csv -o a -o b nowhere
case_ export-bad-format export --format xml nowhere
case_ export-parquet-stdout export --to parquet nowhere
case_ export-parquet-csv export --to parquet -o tables.csv nowhere
case_ export-inside export --to parquet -o taken/tables taken
case_ export-bad-group export --format csv --group nobody-has-this nowhere
case_ export-no-trace export --to csv --to 10s nowhere
case_ export-bad-time export --to xml nowhere
case_ stat-damaged stat taken
case_ verify-damaged verify taken
case_ topology-plan topology --synthetic "pack:2 [numa] l3:2 core:2 pu:2" --shards llc
case_ topology-two-machines topology --synthetic "core:2 pu:1" --synthetic "core:4 pu:1"
case_ topology-bad-policy topology --synthetic "pack:2 [numa] core:2 pu:1" --shards galaxy
case_ topology-bad-machine topology --synthetic "nonsense"
case_ selftest-none selftest
case_ selftest-unknown selftest speed
case_ selftest-two-durations selftest order -d 1 -d 2
case_ selftest-bad-duration selftest order -d soon
if ! no_bpf >/dev/null; then
	case_ record-source-twice record -e sched,sched -o t
	case_ record-no-stats record -o t --stats-json nowhere/x
	case_ record-bad-policy record --shards galaxy -o t
	case_ record-no-object record --object nowhere.bpf.o -o t
	case_ record-bad-object record --object full/file -o t
	case_ record-file-exists record --format jsonl -o full/file
	case_ record-exists record -o taken -d 0.1
	case_ record-not-empty record -o full -d 0.1 --force
	case_ record-not-writable record -o /proc/trace -d 0.1
	case_ record-no-command record -o t --force -- ./no-such-command
	case_ record-no-cpu record -o t --consumer-cpus 8000
else
	echo "note: without the right to load BPF programs the refusals of a collector that opens were not tried"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	# A copy, because the user nobody may be unable to read the build directory.
	plain=$NUMARING
	mkdir program
	cp "$plain" "$(ldd "$plain" | awk '/libnumaring/ { print $3 }')" program/
	cat >nobody <<-EOF
		#!/bin/bash
		exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
			env LD_LIBRARY_PATH="$PWD/program" "$PWD/program/${plain##*/}" "\$@"
	EOF
	chmod -R 755 nobody program . && NUMARING=$PWD/nobody
	case_ record-not-root record -o t
	NUMARING=$plain
fi
finish
