#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The page of a sweep and the page of two, from made-up sweeps: the verdict, the warnings, the tables and the names.
. "$(dirname "$0")/../lib.sh"
: "${BENCH:=$(dirname "$NUMARING")/numaring-bench}"
[ -x "$BENCH" ] || skip "numaring-bench was not built"
BENCH=$(realpath "$BENCH")
need jq gnuplot
scratch

# sweep FILE [FILTER]: a host of 192 CPUs, where a ring takes 8 M/s from one producer and 2 M/s from more, and a policy with R
# rings R times as much, up to 20 M/s. FILTER changes rows.
sweep() {
	jq -n -c '
	def cpu($m): {consumers: ($m * 0.01), merge: ($m * 0.006), packers: 0, outputs: 0, total: ($m * 0.02), system: 0};
	def row($transport; $rings; $producers; $rate; $rep; $x):
		(if $producers == 1 then 8 else [$producers * 8, $rings * 2, 20] | min end) as $limit |
		(if $rate == 0 then $limit else [$producers * $rate / 1e6, $limit] | min end * $x) as $got |
		{kind: "run", valid: true, seconds: 1, rep: $rep, rings: $rings,
		 config: {transport: $transport, producers: $producers, placement: "spread", rate: $rate, size: 24, burst: 1,
			memory: 67108864, duration: 1, order: "fence", delivery: "callback"},
		 events_per_sec: ($got * 1e6), attempts_per_sec: ($got * 1e6), lost_share: 0, turns_share: 0.5,
		 reached_share: (if $rate > 0 then $got * 1e6 / $rate / $producers else null end), elsewhere_share: 0.01,
		 cost_ns: {mean: ($producers / $got * 1000), p50: ($producers / $got * 900), p99: ($producers / $got * 2000),
			max: 30000}, cpu_s_per_million: cpu($x), latency_ms: {p50: (2 * $x), p99: (4 * $x)}, lag_max_ms: 5,
		 memory_bytes: {rings: 67108864, user: 5000000}, trace_bytes_per_event: null};
	{kind: "host", begun: "2026-11-29T00:00:00Z", numaring: "0.1.0", kernel: "6.18.0", machine: "x86_64",
	 cpu_model: "Made Up 9000", hypervisor: "KVMKVMKVM", emulated: false, clocksource: "tsc", lock: "rqspinlock_t",
	 libbpf: "1.1", topology: {cpus: 192, cores: 96, caches: 24, nodes: 2, packages: 2}},
	({single: 1, node: 2, llc: 24, libbpf: 1} | to_entries[] as $t | (1, 16, 192) as $producers | (0, 10000) as $rate |
		[1, 1.02, 0.97, 1.01, 0.99] | to_entries[] | row($t.key; $t.value; $producers; $rate; .key; .value))' |
		jq -c "if .kind == \"host\" then . else (${2:-.}) end" >"$1"
}
report() { # ARGUMENTS: into page/
	rm -rf page
	"$BENCH" report "$@" -o page >said
}
says() { # TEXT: the page has it, in Markdown and in HTML
	grep -qF "$1" page/report.md && grep -qF "$1" page/report.html
}
warnings() {
	grep -o '<p class="warn">[A-Z ]*' page/report.html | cut -d'>' -f2 | sed 's/ *$//' | sort | xargs -d '\n'
}
columns() { # of each table of page/report.md
	awk -F'|' '/^\|( ---)/ { print NF - 2 }' page/report.md | xargs
}

sweep a.jsonl
check "a sweep" report a.jsonl
verdict="With 192 of 192 CPUs writing flat out, llc wins: it delivers 20 M records/s in exact order, 10.00 times as many as \
single (99 % interval: 9.51 to 10.52). A record costs its program 0.10 times as much (0.10 to 0.11). llc is ahead from 16 \
producers on."
equal "verdict" "$(sed -n 3p page/report.md)" "$verdict"
equal "verdict: is printed, too" "$(head -1 said)" "$verdict"
check "verdict: comes first on the page" grep -qF "<h1>numaring-bench</h1>" page/report.html
equal "verdict: nothing before it" "$(grep -A1 '<h1>' page/report.html | tail -1)" "<p class=\"verdict\">$verdict</p>"
equal "a good sweep: warnings" "$(warnings)" ""
check "CPU" says "CPU: Made Up 9000. Virtual machine under KVM. CPUs: 192,"
jq -c 'if .kind == "host" then .hypervisor = "VMwareVMware" else . end' a.jsonl >vmware.jsonl
check "another hypervisor" report vmware.jsonl
check "another hypervisor: its name" says "Virtual machine under VMware."
jq -c 'if .kind == "host" then .hypervisor = "" else . end' a.jsonl >bare.jsonl
check "no hypervisor" report bare.jsonl
check "no hypervisor: no word of one" says "CPU: Made Up 9000. CPUs: 192,"
check "the sweep again" report a.jsonl
check "tables: eight columns at most" test "$(columns | tr ' ' '\n' | sort -n | tail -1)" -le 8
equal "tables: all others are folded" "$(sed '/<details>/,$d' page/report.html | grep -c '<table>')" 2
check "every run is in the table" says "20.00"
check "every run is in the table" grep -q "^| llc | 192 | flat out | 20.000: 20.000 20.400 19.400 20.200 19.800 |" page/report.md
dots() { # PLOT: how many dots of runs it has
	tr '\n' ' ' <page/report.html | grep -o '<figure>.*' | sed 's/<figure>/\n/g' | grep "id=\"$1_" | grep -o "_gpPt6'" | wc -l
}
check "every run is a dot" test "$(dots throughput)" -ge 60
check "against one ring" grep -qF "| llc | 192 | flat out | 10.00 [9.51, 10.52] better | 0.10 [0.10, 0.11] better |" page/report.md
check "against one ring: no difference" grep -qF "| node | 1 | flat out | 1.00 [0.95, 1.05] no difference |" page/report.md

# Values that no sweep writes.
sweep odd.jsonl '.config.placement = {} | .config.size = [] | .config.burst = "many" | .cost_ns = 3'
check "odd values" report odd.jsonl
check "odd values: the verdict" says "llc wins"
sweep huge.jsonl '.config.rate = 1e300 | .config.producers = 1e300'
"$BENCH" report huge.jsonl -o huge >/dev/null 2>&1
check "huge values: no crash" test $? -le 1
check "huge values: no verdict" grep -q "^No verdict: it needs two policies" huge/report.md

# What is not certain is not claimed.
sweep same.jsonl 'if .config.transport == "libbpf" then empty else .events_per_sec = 2e6 * (.rep + 10) end'
check "no winner" report same.jsonl
check "no winner: says so" says "writing flat out, no policy wins: "
check "no winner: the interval contains 1" says "within the spread (99 % interval: 0.71 to 1.40)"
equal "no winner: warnings" "$(warnings)" NOISE
check "no winner: which rows are noisy" says "single, 1 producer, flat out (what was delivered); "
check "no winner: how many more" says "; and 14 more."
sweep two.jsonl 'if .rep > 1 then empty else . end'
check "two runs" report two.jsonl
check "two runs: no verdict" says "No verdict: three valid runs are needed"
equal "two runs: warnings" "$(warnings)" "FEW RUNS"
sweep one.jsonl 'select(.config.transport == "single")'
check "one policy" report one.jsonl
check "one policy: no verdict" says "No verdict: it needs two policies"
jq -c 'if .kind == "host" then .emulated = true else . end' a.jsonl >emulated.jsonl
check "emulated" report emulated.jsonl
check "emulated: no verdict" says "No verdict: the CPU is emulated"
equal "emulated: warnings" "$(warnings)" EMULATED

# Two modes, noise, other work, and runs that are not valid.
sweep modes.jsonl 'if .config.transport == "single" and .config.producers == 192 and .rep > 2 then .events_per_sec *= 2
	else . end'
check "two modes" report modes.jsonl
equal "two modes: warnings" "$(warnings)" "TWO MODES"
check "two modes: which" says "single, 192 producers, flat out (what was delivered)"
check "two modes: the verdict says so" grep -q "^With .* Careful: the runs of single fall into two groups" page/report.md
check "two modes: in the table" grep -q "^| single | 192 | flat out | .*, two groups |" page/report.md
sweep busy.jsonl 'if .rep == 0 then .valid = false else .elsewhere_share = 0.3 end'
check "a busy host" report busy.jsonl
equal "a busy host: warnings" "$(warnings)" "BUSY FEW RUNS NOT VALID"
check "a busy host: the verdict says so" says "Careful: the host was busy"
check "four runs: a wider risk" says "(97 % interval:"

# Two sweeps.
check "a sweep and itself" report a.jsonl a.jsonl
check "a sweep and itself: no difference" says "Of 24 configurations in both sweeps, B delivers more than A in 0 and less in 0. A \
record costs its program less in 0 and more in 0."
equal "a sweep and itself: better or worse" "$(grep -cE '\] (better|worse)' page/report.md)" 0
sweep b.jsonl 'if .config.transport == "llc" and .config.rate == 0 then .events_per_sec *= 1.5
	elif .config.transport == "node" and .config.producers == 192 then .cost_ns.mean *= 1.25 else . end'
check "two sweeps" report a.jsonl b.jsonl
check "two sweeps: verdict" says "B delivers more than A in 3 and less in 0. A record costs its program less in 0 and more in 2."
check "two sweeps: the largest difference" says "producers, flat out, delivers 1.50 times that of A (99 % interval: 1.43 to 1.58)."
check "two sweeps: better" grep -qF "| llc (B) | 192 | flat out | 1.50 [1.43, 1.58] better |" page/report.md
check "two sweeps: worse" grep -qF "| node (B) | 192 | flat out | 1.00 [0.95, 1.05] no difference | 1.25 [1.19, 1.31] worse |" \
	page/report.md
equal "two sweeps: columns of the first table" "$(columns | cut -d' ' -f1)" 8
check "two sweeps: the other way round" report b.jsonl a.jsonl
check "two sweeps: the other way round" grep -qF "| llc (B) | 192 | flat out | 0.67 [0.63, 0.70] worse |" page/report.md
equal "two sweeps of a host: warnings" "$(warnings)" ""
jq -c 'if .kind == "host" then .kernel = "6.12.0" else . end' b.jsonl >c.jsonl
check "two hosts" report a.jsonl c.jsonl
check "two hosts: says so" says "A and B differ in kernel, so"
sweep other.jsonl '.config.size = 64'
"$BENCH" report a.jsonl other.jsonl -o none 2>err
equal "nothing in common: exit status" $? 1
check "nothing in common: says so" grep -q "^numaring-bench: a.jsonl and other.jsonl have no configuration in common: run" err
check "nothing in common: no page" test ! -e none
"$BENCH" report a.jsonl b.jsonl c.jsonl >/dev/null 2>&1
equal "three sweeps: exit status" $? 2
finish
