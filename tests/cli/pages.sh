#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# --help, the manual pages and the tables of options agree. --usage lists the tables. --help fits one screen and has
# examples.
. "$(dirname "$0")/../lib.sh"
man=$(realpath "$(dirname "$0")/../../docs/man")
bench=$(dirname "$NUMARING")/numaring-bench
[ -x "$bench" ] || skip "numaring-bench is not built"
scratch
mkdir bin
ln -s "$NUMARING" bin/numaring
ln -s "$bench" bin/numaring-bench
PATH=$PWD/bin:$PATH
export COLUMNS=80

options() { # PROGRAM COMMAND...: those of the tables
	"$@" --usage | grep -oE '\[--[a-z-]+' | tr -d '[' | sort -u
}
commands() { # PROGRAM
	"$1" --help | sed -nE 's/^  ([a-z]+)  +.*/\1/p'
}
described() { # PAGE: options that have a paragraph in a manual page
	grep -E '^\*-' "$man/$1" | grep -oE -- '--[a-z-]+' | sort -u
}
missing() { # WHAT LIST LIST: all of the first list are in the second
	local left
	left=$(comm -23 <(echo "$2") <(echo "$3"))
	check "$1: nothing is missing" test -z "$left"
	[ "$left" ] && echo "missing:" $left
}

# screen PROGRAM COMMAND...: its help.
screen() {
	local it wide examples
	it=$("$@" --help)
	wide=$(awk 'length > 80' <<<"$it")
	examples=$(sed '1,/^Example/d' <<<"$it" | grep -cE '^  numaring')
	check "$*: --help has at most 50 lines" test "$(wc -l <<<"$it")" -le 50
	check "$*: --help has at most 80 columns" test -z "$wide"
	check "$*: --help has 1 to 4 examples" test "$examples" -ge 1 -a "$examples" -le 4
	missing "$*: --help" "$(options "$@")" "$(grep -oE -- '--[a-z-]+' <<<"$it" | sort -u)"
	equal "$*: -? is --help" "$("$@" "-?" | md5sum)" "$(md5sum <<<"$it")"
}

count=0
for command in $(commands numaring); do
	screen numaring "$command"
	equal "numaring help $command" "$(numaring help "$command" | md5sum)" "$(numaring "$command" --help | md5sum)"
	page=numaring-$command.1.scd
	check "$page is there" test -r "$man/$page"
	has=$(options numaring "$command")
	[ "$command" = report ] && screen numaring report diff && has=$(sort -u <(echo "$has") <(options numaring report diff))
	missing "$page" "$has" "$(described "$page")"
	missing "$page: no option that is none" "$(described "$page")" "$has"
	check "numaring(1) names $command" grep -qF "*numaring-$command*(1)" "$man/numaring.1.scd"
	count=$((count + 1))
done
check "there are commands" test "$count" -gt 10

all=""
for command in $(commands numaring-bench); do
	screen numaring-bench "$command"
	all+=$'\n'$(options numaring-bench "$command")
done
missing numaring-bench.1.scd "$(sort -u <<<"$all" | sed 1d)" "$(described numaring-bench.1.scd)"

# Kinds of reports.
numaring report 2>&1 | sed -nE 's/^  ([a-z]+)  +.*/\1/p' | sort >kinds
check "there are reports" test "$(wc -l <kinds)" -gt 5
missing "report --help: kinds" "$(cat kinds)" "$(numaring report --help | sed -nE 's/^  ([a-z]+)  +.*/\1/p' | sort)"
missing "numaring-report(1): kinds" "$(cat kinds)" "$(grep -oE '^\*[a-z]+\*$' "$man/numaring-report.1.scd" | tr -d '*' | sort)"
if command -v scdoc >/dev/null; then
	for page in "$man"/*.scd; do
		check "scdoc takes $(basename "$page")" scdoc <"$page" >/dev/null
	done
fi
finish
