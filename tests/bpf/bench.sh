#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every transport of the bench delivers completely and in order. A sweep resumes where it was interrupted. A
# report is a single page without external resources.
. "$(dirname "$0")/../lib.sh"
: "${BENCH:=$(dirname "$NUMARING")/numaring-bench}"
[ -x "$BENCH" ] || skip "numaring-bench was not built"
BENCH=$(realpath "$BENCH")
need jq gnuplot
need_bpf
scratch
cpus=$(nproc)
two=$((cpus < 2 ? 1 : 2))

run() { # ARGUMENTS: writes one row to row.json
	"$BENCH" run -d 0.3 "$@" >row.json
}

# Every transport, parallel producers, paced and flat out, all record sizes.
for transport in single node llc cpu node/2 lane lane-cpu perfbuf perfbuf-sampled perfbuf-fence array-shared libbpf libbpf-nowakeup; do
	case $transport in libbpf*) verified=completeness ;; *) verified=order ;; esac
	check "$transport: runs" run --transport $transport --producers $two
	equal "$transport: valid" "$(jq -r '.valid, .reason, .verified' row.json | xargs)" "true null $verified"
	check "$transport: delivers" test "$(jq .delivered row.json)" -gt 1000
	check "$transport: the cost above the floor" jq -e '.cost_ns | .floor > 0 and .floor_q1 <= .floor_q3 and
		.above_floor_q1 <= .above_floor_q3 and .above_floor != null' row.json
done
check "floor: runs" run --transport floor --producers $two
equal "floor: has nothing to verify" \
	"$(jq -r '.valid, .verified, .delivered, .events_per_sec, .rings, .config.order' row.json | xargs)" "true nothing 0 null 0 none"
check "floor: its cost" jq -e '.cost_ns | .mean > 0 and .floor > 0' row.json
for transport in node lane perfbuf-fence array-shared; do
	check "$transport, in bursts" run --transport $transport --producers $two --rate 20k --peak 3
	equal "$transport, in bursts: valid" "$(jq -r '.valid, .reason, .config.peak' row.json | xargs)" "true null 3"
done
for size in 16 24 4096; do
	for transport in node lane perfbuf-sampled perfbuf-fence array-shared; do
		check "$transport, $size bytes" run --transport $transport --size $size --rate 5k --memory 64M
	done
	equal "$size bytes: what was lost at 5k/s" "$(jq '[.lost[]] | add' row.json)" 0
done
# A trace that the bench writes is complete, in order, and removed afterwards, even if the run is killed. Large packets are
# padded to blocks of the disk.
mkdir traces
for size in 24 40 4096; do
	check "trace, $size bytes" run --transport cpu --producers $two --rate 50k --size $size --memory 64M \
		--delivery trace --directory traces
	equal "trace, $size bytes: valid" "$(jq -r '.valid, .reason, .config.delivery' row.json | xargs)" "true null trace"
	check "trace, $size bytes: delivers" test "$(jq .delivered row.json)" -gt 1000
	equal "trace, $size bytes: all are read back" \
		"$(jq '.trace_bytes_per_event - '$size' | . >= 0 and . <= 8 + '$size' / 64' row.json)" true
done
check "trace: what it costs" jq -e '.cpu_s_per_million | .merge > 0 and .total >= .system and .check == 0' row.json
check "trace: who packs and writes it" jq -e '.cpu_s_per_million | .packers > 0 and .outputs > 0' row.json
equal "trace: nothing is left" "$(ls -A traces)" ""
"$BENCH" run -d 60 --rate 1k --delivery trace --directory traces >/dev/null &
killed=$!
for _ in $(seq 100); do
	[ -n "$(find traces -name metadata -size +0)" ] && break
	sleep 0.1
done
check "trace: is where it should be" test -n "$(find traces -path "*/trace/stream")"
kill -KILL $killed
wait $killed 2>/dev/null
for _ in $(seq 100); do
	[ -z "$(ls -A traces)" ] && break
	sleep 0.1
done
equal "trace: nothing is left of a run that was killed" "$(ls -A traces)" ""
for options in "--transport perfbuf" "--transport libbpf" "--transport floor" "--size 16" "--directory traces/none"; do
	# shellcheck disable=SC2086 # several words
	"$BENCH" run -d 0.1 --delivery trace $options >/dev/null 2>err
	equal "trace, $options: exit status" $? 1
	check "trace, $options: says why" grep -qE "writes no trace|has no field|No such file" err
done

check "lane, a trace" run --transport lane --producers $two --rate 50k --delivery trace --directory traces
equal "lane, a trace: valid" "$(jq -r '.valid, .reason, .config.delivery' row.json | xargs)" "true null trace"

# More shards than CPUs, and all of them have records.
check "shards/8" run --transport shards/8 --producers $two --delivery trace --directory traces
equal "shards/8: valid" "$(jq -r '.valid, .reason, .rings' row.json | xargs)" "true null 8"
# System calls, which other processes make, too.
for delivery in callback trace; do
	check "a source, $delivery" run --size 0 --producers $two --delivery $delivery --directory traces
	equal "a source, $delivery: valid" "$(jq -r '.valid, .reason, .config.size' row.json | xargs)" "true null 0"
	check "a source, $delivery: all calls" jq -e '.delivered + ([.lost[]] | add) >= .attempts_per_sec * .seconds' row.json
done
"$BENCH" run -d 0.1 --transport libbpf --size 0 >/dev/null 2>err
equal "a source without numaring: exit status" $? 1
check "a source without numaring: says why" grep -q "libbpf writes no trace and has no source" err

# Two versions in turns, here twice the same.
build=$(dirname "$BENCH")
check "versus" "$BENCH" versus --before "$build" --runs 2 -d 0.5 --directory traces >versus
equal "versus: what is compared" "$(grep -c '^--transport .* --delivery trace' versus)" 4
for figure in "delivered M/s" "merge ns" "packers ns" "outputs ns" "all threads ns" "trace B" "merge thread, at most M/s" \
	"stream, at most M/s"; do
	equal "versus: $figure, before, after and ratio" \
		"$(grep -cE "^  $figure +([0-9.]+ \[[0-9.]+, [0-9.]+\] *){3}$" versus)" 4
done
equal "versus: loss" "$(grep -c '^  lost % ' versus)" 4
equal "versus: nothing is left" "$(ls -A traces)" ""
mkdir empty
for before in "" "--before empty" "--before $build --after empty"; do
	# shellcheck disable=SC2086 # several words
	"$BENCH" versus $before >/dev/null 2>err
	equal "versus $before: exit status" $? 2
	check "versus $before: says why" grep -qE "^numaring-bench: .*/libnumaring.so.0: No such file" err
done
# Each run has its version's library, and one that fails is left out.
touch empty/libnumaring.so.0
"$BENCH" versus --before empty --runs 1 -d 0.1 --directory traces >versus 2>/dev/null
equal "versus, no library: exit status" $? 1
equal "versus, no library: runs that fail" "$(grep -o 'FAILED, and left out: a run of [a-z]*' versus | sort | uniq -c | xargs)" \
	"4 FAILED, and left out: a run of before"
equal "versus, no library: figures" "$(grep -c ' ns ' versus)" 0

check "rcu" run --transport single --order rcu --producers $two --rate 20k --burst 8
check "callback: nobody packs or writes" jq -e '.cpu_s_per_million | .packers == 0 and .outputs == 0' row.json
check "spread" run --placement spread --producers $two --rate 10k
equal "spread: CPUs are different" "$(jq '.producer_cpus | unique | length' row.json)" $two

check "placement" run --placement $((cpus - 1)) --rate 10k
equal "placement: where it was told" "$(jq -c .producer_cpus row.json)" "[$((cpus - 1))]"
"$BENCH" run -d 0.1 --placement 99999 >/dev/null 2>err
equal "placement on no CPU: exit status" $? 1
check "placement on no CPU: says so" grep -q "no such CPU" err

# A process that is late, here because it was stopped during its warm-up, still measures for the given duration.
"$BENCH" run -d 1.2 --rate 100k >row.json &
late=$!
sleep 0.2
kill -STOP $late
sleep 0.6
kill -CONT $late
wait $late
equal "late: valid" "$(jq .valid row.json)" true
check "late: seconds" jq -e '.seconds >= 1.2 and .cpu_s_per_million.check > 0' row.json

# Without records there is no cost, and a rate of 0 is a rate.
"$BENCH" run -d 0.1 --rate 1 >row.json # the first record is due after a second
equal "no record: cost" "$(jq -c '.cost_ns | [.mean, .p99, .above_floor]' row.json)" "[null,null,null]"
equal "no record: rate" "$(jq '.events_per_sec == 0' row.json)" true

# Losses are reported, and the row stays valid because they are counted exactly.
check "a small ring" run --transport single --producers $two --memory 4096
check "a small ring: loses" test "$(jq '[.lost[]] | add' row.json)" -gt 0
equal "a small ring: valid" "$(jq .valid row.json)" true

# Refusals.
"$BENCH" run --transport nonsense >/dev/null 2>&1
equal "an unknown transport: exit status" $? 2
"$BENCH" sweep --producers 1,2x -o none.jsonl 2>/dev/null
equal "a list that holds no number: exit status" $? 2
echo "# nothing but words" >words
for file in /dev/null words; do
	"$BENCH" sweep --grid $file -o none.jsonl 2>err
	equal "an empty grid: exit status" $? 1
	check "an empty grid: says so" grep -q "the grid is empty" err
done
for transport in single perfbuf array-shared libbpf; do
	"$BENCH" run -d 0.1 --transport $transport --memory 1 >/dev/null 2>err
	equal "$transport, too little memory: exit status" $? 1
	check "$transport, too little memory: says so" \
		grep -q "^numaring-bench: 1 bytes are too few for .*: use --memory [0-9]* or more$" err
done
"$BENCH" run --producers $((cpus + 1)) >/dev/null 2>err
equal "too many producers: exit status" $? 1
check "too many producers: says so" grep -q "there are $cpus" err

# The recommendation for a rate, and its reason.
check "tune" "$BENCH" tune -d 1 --rate 100k >advice
check "tune: the estimate is told" grep -q "2 hand-overs; all other" advice
check "tune: one ring or one for each node is known" grep -qE "^  (node|single) +1 ring " advice
check "tune: every run is told" grep -qE "^    delivered [0-9.]+ M/s:( [0-9.]+)+" advice
check "tune: recommends" grep -qE "^  --shards [a-z]" advice
check "tune: recommends a transport" grep -qE "^  --transport (ring|lane)  +above the floor, .* in a lane, and .* in a ring" advice
check "tune: lanes are measured" grep -qE "^  a producer alone, lanes +[0-9]" advice
check "tune: the merge is that of a recording" grep -qE "^  CPU time of the merge, to a trace +[0-9]" advice
check "tune: and so is what it will need" grep -qE "^  The merge will need .*, to a trace\)" advice
check "tune: and which thread is the limit" \
	grep -qE "^  Behind the rings, the (merge thread|packer|output) is the limit of a trace, at [0-9.]+[kM]? " advice
check "tune: nothing is left" test -z "$(find . -name '.numaring-bench*')"
(cd /proc/self && exec "$BENCH" tune -d 0 --rate 100k) >advice 2>err
equal "tune where no file can be: exit status" $? 0
check "tune where no file can be: says so" grep -q "cannot create a directory for the trace" err
check "tune where no file can be: the merge is another" grep -qE "^  CPU time of the merge, to a callback +[0-9]" advice
check "tune: more than any ring holds" "$BENCH" tune -d 0 --rate 100G >advice
check "tune: says so" grep -q "no ring is larger" advice
"$BENCH" tune -d 0 >/dev/full 2>err
equal "tune to a full disk: exit status" $? 1

# A sweep from lists; no option of the sweep itself has the name of a list.
check "a sweep from lists" "$BENCH" sweep --transport single --delivery callback,trace --placement 0 -d 0.1 --repeat 1 \
	-o lists.jsonl 2>/dev/null
equal "a sweep from lists: runs" "$(jq -r 'select(.kind == "run") | .config.delivery, .valid' lists.jsonl | xargs)" \
	"callback true trace true"

# A sweep from a file, interrupted after its first rows, and resumed.
cat >grid <<-END
	# one line for each block of the grid
	--transport single,perfbuf-sampled,libbpf --producers 1,$two --duration 0.3
	--transport single,perfbuf-sampled --producers $two --rate 10k,100k --duration 0.3
	--transport single --producers $two --delivery trace --duration 0.3
END
"$BENCH" sweep --grid grid --repeat 2 -o s.jsonl 2>progress &
sweep=$!
for _ in $(seq 200); do
	[ "$(cat s.jsonl 2>/dev/null | wc -l)" -ge 4 ] && break
	sleep 0.1
done
kill -INT $sweep
wait $sweep
equal "interrupted: exit status" $? 1
before=$(grep -c '"kind":"run"' s.jsonl)
truncate -s -7 s.jsonl # the last row is incomplete
"$BENCH" sweep --grid grid --repeat 2 -o s.jsonl 2>/dev/null
equal "without --resume the file is safe" $? 1
check "resumed" "$BENCH" sweep --grid grid --repeat 2 -o s.jsonl --resume 2>progress
configs=$(jq -s '[.[] | select(.kind == "run") | .config] | unique | length' s.jsonl)
equal "runs: all, and each once" "$(grep -c '"kind":"run"' s.jsonl)" $((2 * configs))
equal "runs: repetitions" "$(jq -s '[.[] | select(.kind == "run") | .rep] | add' s.jsonl)" "$configs"
check "resumed: some runs were there" test "$before" -ge 1
equal "rows that are not valid" "$(jq -c 'select(.kind == "run" and (.valid | not))' s.jsonl)" ""
equal "medians" "$(grep -c '"kind":"median"' s.jsonl)" "$configs"
equal "consumer_cpu: where one reads one ring" \
	"$(jq -r 'select(.consumer_cpu | type == "number") | .kind + " " + (.config.transport // .transport)' s.jsonl |
		sort -u | xargs)" "median libbpf median single run libbpf run single"
check "the model takes it" "$BENCH" model fit s.jsonl
equal "host" "$(head -1 s.jsonl | jq -r '.kind, .kernel, .topology.cpus' | xargs)" "host $(uname -r) $cpus"

[ "$(uname -m)" = x86_64 ] && equal "CPU: its name" "$(head -1 s.jsonl | jq -r .cpu_model)" \
	"$(LC_ALL=C lscpu | sed -n 's/^Model name: *//p' | head -1)"

# On arm64, /proc/cpuinfo has numbers only. lscpu may know what they mean.
mkdir arm
printf 'processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n' >arm/cpuinfo
unshare -m true 2>/dev/null || echo "note: no mount namespace here, names of arm64 CPUs were not tried"
for name in $(unshare -m true 2>/dev/null && echo Neoverse-N1 -); do
	printf '#!/bin/sh\necho "Architecture: aarch64"\necho "Model name:    %s"\n' "$name" >arm/lscpu
	chmod +x arm/lscpu
	unshare -m sh -c 'mount --bind arm/cpuinfo /proc/cpuinfo && PATH=$PWD/arm:$PATH "$0" sweep --transport single \
		--producers 1 -d 0.05 --repeat 1 -o "arm/$1.jsonl"' "$BENCH" "at$name" 2>/dev/null
	equal "CPU of arm64, lscpu says $name" "$(head -1 "arm/at$name.jsonl" | jq -r .cpu_model)" \
		"$([ "$name" = - ] && echo "implementer 0x41, part 0xd0c" || echo "$name")"
done

# A failed row is run again later. A file without an end is not a sweep.
jq -c 'if .kind == "run" and .rep == 0 and .config.producers == 1 then del(.seconds) + {valid: false} else . end' \
	s.jsonl >failed.jsonl
check "resumed after runs that failed" "$BENCH" sweep --grid grid --repeat 2 -o failed.jsonl --resume 2>/dev/null
equal "runs that failed: done again" "$(jq -s '[.[] | select(.kind == "run" and .valid)] | length' failed.jsonl)" \
	$((2 * configs))
(ulimit -v 4000000 && "$BENCH" sweep --grid grid -o /dev/full --resume 2>err)
equal "an endless file: exit status" $? 1
check "an endless file: says so" grep -q "not a line of a sweep" err

# The owner of the directory replaces it with a link while the file is read.
mkdir around victim
echo precious | tee victim/s.jsonl >victim/s.jsonl.new
mkfifo around/s.jsonl
"$BENCH" sweep --grid grid --repeat 2 -o around/s.jsonl --resume 2>/dev/null &
sweep=$!
exec 3>around/s.jsonl
mv around aside && ln -s victim around
cat s.jsonl >&3
exec 3>&-
wait $sweep
equal "a directory swapped for a link: exit status" $? 0
equal "what the link leads to is untouched" "$(cat victim/s.jsonl victim/s.jsonl.new | xargs)" "precious precious"
equal "the file is where it was" "$(jq -r 'select(.kind == "run") | .valid' aside/s.jsonl | sort | uniq -c | xargs)" \
	"$((2 * configs)) true"

# Without the right to run BPF programs: one message, and no file that would confuse a later sweep.
if command -v setpriv >/dev/null; then
	mkdir -m 777 other
	cp "$BENCH" "$(dirname "$BENCH")"/libnumaring.so.0 . && chmod 755 . numaring-bench
	for command in "sweep --quick -o other/s.jsonl" "run --transport libbpf" tune; do
		# shellcheck disable=SC2086 # several words
		LD_LIBRARY_PATH=$dir setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
			--bounding-set=-all ./numaring-bench $command >/dev/null 2>err
		equal "${command%% *} without permission: exit status" $? 1
		equal "${command%% *} without permission: sentences" "$(wc -l <err)" 1
	done
	equal "sweep without permission: files" "$(ls other)" ""
fi

# The report.
check "report" "$BENCH" report s.jsonl -o r
equal "report: files" "$(find r -type f -printf '%f\n' | sort | xargs)" "report.html report.md"
equal "report: nothing from elsewhere" "$(grep -oE 'https?://[^ "]*|src=|url\(http' r/report.html)" ""
check "report: has plots" test "$(grep -o '<svg' r/report.html | wc -l)" -ge 6
check "report: says what a dot is" grep -q "a dot is a run" r/report.html
check "report: identifiers have the plot's name" grep -qE " id=['\"]throughput_" r/report.html
equal "report: identifiers that occur twice" \
	"$(grep -oE " id=('[^']*'|\"[^\"]*\")" r/report.html | sort | uniq -d)" ""
equal "report: rows" "$(sed -n '/^## Figures/,/^## All/p' r/report.md | grep -c '^| [a-z]')" $((configs + 1))

# A median of only some of the runs is marked as such.
jq -c 'if .kind == "run" then .cost_ns += {p50: 50, p99: (if .rep == 0 then null else 99 end)} else . end' \
	s.jsonl >some.jsonl
check "report of runs without a value" "$BENCH" report some.jsonl -o some
equal "report: medians of some" "$(grep -c '| 50 | 99 (1 of 2) |' some/report.md)" "$configs"

"$BENCH" report s.jsonl -o r >/dev/full 2>err
equal "report to a full disk: exit status" $? 1
check "report to a full disk: says so" grep -q "No space left on device" err
refused() { # FILE TEXT: the report fails with this message
	"$BENCH" report "$1" -o none 2>err
	equal "report of $1: exit status" $? 1
	check "report of $1: says why" grep -q "$1.*$2" err
}
head -1 s.jsonl >host.jsonl
refused host.jsonl "has no run,"
grep -v '"kind":"run"' s.jsonl >medians.jsonl
refused medians.jsonl "has medians only"
jq -c '.valid = false' s.jsonl >invalid.jsonl
refused invalid.jsonl "has no valid run"
refused / "Is a directory"

# Plots show the highest number of producers in their own rows, and name that number.
jq -c 'if .kind != "run" then .
	elif .config.rate > 0 then .config.producers = 3
	elif .config.producers > 1 then .
	else ., .config.memory *= 2 end' s.jsonl >fewer.jsonl
check "report of fewer producers in some plots" "$BENCH" report fewer.jsonl -o fewer
captions=$(grep -o '<figcaption>[^<]*' fewer/report.html)
equal "report: plots of paced producers" "$(grep -c '>3 producers\. ' <<<"$captions")" 4
equal "report: plots by memory" "$(grep -c '>1 producer, flat out\. $' <<<"$captions")" 1
equal "report: plots of all producers" "$(grep -cE ">$two producers?, flat out\. User" <<<"$captions")" 1

# The report shows every run's figure beside the median. It marks a median whose runs form two groups, and a
# difference that is smaller than the spread.
figures() { # FIGURES OF single, OF libbpf: makes a sweep of $two producers whose runs deliver these
	jq -c --argjson single "$1" --argjson libbpf "$2" --argjson two $two 'if .kind == "host" then . else
		select(.rep == 0 and .config.producers == $two and .config.rate == 0 and .config.delivery == "callback") |
		({single: $single, libbpf: $libbpf}[.config.transport] // [])[] as $v | .events_per_sec = $v * 1e6 end' \
		s.jsonl >figures.jsonl
	"$BENCH" report figures.jsonl -o figures >/dev/null
}
check "report of two groups" figures "[8.5,3.3,6.0,3.4,3.3]" "[8.8,7.9,8.3,8.8,8.2]"
check "two groups: every run is in the table" \
	grep -q '^| single .* | 3.400: 8.500 3.300 6.000 3.400 3.300, two groups |' figures/report.md
check "one group: every run is in the table" grep -q '^| libbpf .* | 8.300: 8.800 7.900 8.300 8.800 8.200 |' figures/report.md
check "two groups: says so" grep -q "^TWO MODES.*: single, .* (what was delivered)" figures/report.md
equal "one group: says nothing" "$(grep -c "^TWO MODES.*libbpf" figures/report.md)" 0
check "a difference within the spread" grep -q "^| libbpf | $two | flat out | 2\.44 .* no difference | " figures/report.md
check "report of another" figures "[4.0,4.4,4.2]" "[8.8,8.0,8.4]"
check "a difference beyond the spread" grep -qF "| libbpf | $two | flat out | 2.00 [1.82, 2.20] better |" figures/report.md
check "report of few runs" figures "[4.0,4.4]" "[8.8,8.0]"
check "a difference between few runs" grep -qF "| libbpf | $two | flat out | - |" figures/report.md
equal "medians: every run" "$(jq -s 'map(select(.kind == "median") | .events_per_sec | .runs | length) | unique' -c s.jsonl)" "[2]"

# The report warns if the transports do not have the same memory.
for percent in 109 111; do
	jq -c --argjson p $percent 'if .kind != "run" then . else .memory_bytes.rings =
		(if .config.transport == "single" then 1048576 * $p / 100 else 1048576 end) end' s.jsonl >unequal.jsonl
	check "report of $percent % of the memory" "$BENCH" report unequal.jsonl -o unequal
	equal "$percent % of the memory: warnings" "$(grep -c 'do not have the same memory: .* single has 1\.11 and' \
		unequal/report.md)" $((percent == 111))
done

# Text from a file is escaped.
sed '1s/"cpu_model":"[^"]*"/"cpu_model":"<script>alert(1)<\/script>"/' s.jsonl >evil.jsonl
check "report of a hostile file" "$BENCH" report evil.jsonl -o evil
equal "report: no markup from the file" "$(grep -c '<script' evil/report.html)" 0

# Without gnuplot, the report writes the table and says why there is no page.
mkdir bin
PATH=$dir/bin "$BENCH" report s.jsonl -o plain 2>err
equal "without gnuplot: exit status" $? 1
check "without gnuplot: says so" grep -q 'gnuplot is not installed' err
check "without gnuplot: the table" test -s plain/report.md
check "without gnuplot: no page" test ! -e plain/report.html
mkdir linked && echo precious >precious && ln -s ../precious linked/report.md
"$BENCH" report s.jsonl -o linked >/dev/null 2>err
equal "a link in the place of a report: exit status" $? 1
equal "what it leads to" "$(cat precious)" precious
finish
