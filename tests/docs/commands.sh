#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs every command that a page of the docs shows, in its order, in an empty directory, with numaring as installed,
# and compares the output of those that show one: `commands.sh PAGE`. The file of the same name in settings/
# has what the page takes for granted (prepare), and what a test changes in its commands (adapt).
root=$(realpath "$(dirname "$0")/../..")
page=$1
# shellcheck source=tests/lib.sh
. "$root/tests/lib.sh"
need jq
need_bpf
scratch
work=$dir
mkdir blocks bin home

# sudo, as root: the command itself.
printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
chmod +x bin/sudo
"$CMAKE" --install "$BUILD" --prefix "$work/prefix" >installed || fail "cmake --install"
PATH=$work/bin:$work/prefix/bin:$BUILD/tests/bpf:$PATH
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name numaring.pc)")
export PATH PKG_CONFIG_PATH

prepare() {
	:
}
adapt() {
	cat
}
settings=$root/tests/docs/settings/$(tr / - <<<"${page%.md}").sh
# shellcheck source=/dev/null
[ -f "$settings" ] && . "$settings"

# Nobody waits for long: recordings end after a moment, sweeps measure little.
shorten() {
	sed -E '/numaring (record|top) /{
		/ -d | -- | -n |sh -c/!s/numaring (record|top) /&-d 0.3 /
		s/ -d [0-9.]+(ms|s|m|h)?/ -d 0.3/
	}
	s/selftest order -d [0-9]+/selftest order -d 2/
	s/ --repeat [0-9]+/ --repeat 1/
	s/sweep --quick/sweep --producers 1 --transport single,cpu --repeat 2 -d 0.2/
	s/(numaring|numaring-bench) tune/& -d 2/
	s/numaring-bench versus/& -d 0.1 --runs 2/'
}

# Text as it is compared: no number, no unit, no width of a column or of a line. Each [...] begins a new line.
shape() {
	tr '\n' ' ' | sed -E 's/\[\.\.\.\]/\n/g' |
		sed -E 's/[^ ]*[0-9][^ ]*/#/g; s/\b(ns|us|ms|s)\b[,:;.]?//g; s/$/ /; s/ +/ /g; s/# (# )*/# /g; s/^ | $//g'
}

# same_shape SHOWN GOT: what the page shows between two [...] is in the output, but for numbers.
same_shape() {
	local part
	shape <"$2" >"$2.shape"
	shape <"$1" | grep -v '^$' | while IFS= read -r part; do
		grep -qF -e "$part" "$2.shape" || { echo "not printed: $part" && return 1; }
	done
}

# On a busy host, another task may be the worst case: the output has some tries, each without what the one before made.
run_block() { # BLOCK
	local before try
	before=$(ls)
	for try in 1 2 3 4 5; do
		comm -13 <(echo "$before") <(ls) | xargs -r rm -rf
		timeout -k 5 150 bash -eu -o pipefail "$1.run" >"$1.got" 2>&1 </dev/null || return
		[ ! -f "$1.out" ] || same_shape "$1.out" "$1.got" >"$1.missing" || continue
		return 0
	done
	cat "$1.missing"
	return 1
}

awk -v out="$work/blocks" -f "$root/tests/docs/blocks.awk" "$root/$page" || fail "$page has no commands"
cd home || exit 1
prepare

for block in "$work"/blocks/*.sh; do
	block=${block%.sh}
	where=$(head -n 1 "$block.sh" | cut -c3- | sed "s|$root/||")
	shorten <"$block.sh" | adapt >"$block.run"
	if run_block "$block"; then
		echo "ok: $where"
	else
		cat "$block.run" "$block.got"
		fail "$where"
	fi
done
finish
