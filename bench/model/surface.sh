#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Writes docs/scaling-tables.md: surface.sh PATH-OF-numaring-bench [DIRECTORY-OF-HOSTS]
set -eu
bench=$1
hosts=${2:-$(dirname "$0")/../../topology/hosts}

each() { # COMMAND that takes: title, file, like, numbers of producers, ring policies
	"$1" '16 cores, Ryzen 7950X' ryzen-7950x.synthetic ryzen7950x 8,16,all single,llc
	"$1" '2 x 14 cores, Xeon E5-2680 v4' xeon-e5-2680v4-2s.synthetic e5_2680v4 16,28,all \
		single,node
	"$1" '2 x 28 cores, Xeon' xeon-8280-2s.synthetic e5_2680v4,spr 16,56,all single,node
	"$1" '2 x 48 cores, Xeon' xeon-8468-2s.synthetic spr 16,64,all single,node
	"$1" '2 x 96 cores, EPYC 9654, NPS1' epyc-9654-2s-nps1.synthetic epyc9654 16,64,192,all \
		single,node,node/4,llc
	"$1" '2 x 96 cores, EPYC 9654, NPS4' epyc-9654-2s-nps4.synthetic epyc9654 16,64,192,all \
		single,node,llc
	"$1" '2 x 64 cores, Kunpeng 920' kunpeng-920-2s.synthetic kunpeng920 16,64,all single,node
	"$1" '8 packages, 512 CPUs, made up' made-up-8s.xml e5_2680v4,spr 16,64,256,all single,node
}

surface() {
	printf '\n## %s\n\n`%s`, taken to be like `%s`.\n\n' "$1" "$2" "$3"
	"$bench" model limits --markdown -H "$hosts/$2" -l "$3" -r 10k,50k,100k -p "$5" |
		sed '1,3d'
	printf '\n'
	"$bench" model surface --markdown -H "$hosts/$2" -l "$3" -r 1k,10k,100k,flat \
		-n "$4" -p "$5,cpu,lane,perfbuf"
}

# All CPUs flat out: what the merge threads, consumers and lanes let through.
lanes() {
	for merges in 1 2 4; do
		"$bench" model predict --markdown -H "$hosts/$2" -l "$3" -r flat -p lane \
			--merges $merges | sed -n "s/^| lane /| $1 | $merges /p"
	done
}

cat <<'END'
# Predicted tables

What the model predicts for the machines of [scaling.md](scaling.md), with the errors that are explained
[there](scaling.md#how-far-to-trust-the-predictions). Nothing on this page was measured. This command writes it, in a few
minutes, with the same figures each time:

```text
bench/model/surface.sh build/numaring-bench >docs/scaling-tables.md
```

- Producers are spread evenly over the machine. Ring and consumer are as in libbpf.
- The figures describe a closed loop, like system calls: a waiting producer causes no new records. So near saturation a
  machine delivers less than the demand even if X is higher (16 producers at 100 k/s: 1.45 of 1.6 M/s with an X of 2.0).
- In the tables of limits, *never* means: not with this machine's number of CPUs. *Dearer than perfbuf* compares CPU time
  with one wake-up in 500.
- In the others, a cell shows the delivered records, then the mean cost of a reservation in µs.
- `all`: locks, consumers and one merge thread can take the demand, even at the low end of the interval.
- Otherwise M records/s and their limit: `L` the locks, `C` consumers, `M` one merge thread. A small letter means that
  only the low end cannot take the demand.
- On Xeon and Kunpeng, `llc` makes the same rings as `node` and is left out. On the Ryzen, `node` makes the same ring as
  `single`. The 2 x 28 is a Xeon of that shape with SMT, with the costs of the E5 and of Sapphire Rapids.

## Lanes, all CPUs flat out

The policy is `node`: a shard for each node, with a lane for each of its CPUs. numaring has one merge thread; with more,
each would have slices of the time. `packers` is how many keep up with plain records of 64 bytes.

END
printf '| machine | merge threads | shards | producers | each /s | delivered, M/s '
printf '| reservation mean, us | reservation p99, us | bound by | packers |\n'
printf '|---|---|---|---|---|---|---|---|---|---|\n'
each lanes
each surface
