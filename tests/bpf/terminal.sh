#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A recording with a command, under a shell at a terminal: keys and the shell's job control reach both.
. "$(dirname "$0")/../lib.sh"
need script setsid
need_bpf
scratch
export NUMARING
mkfifo keys

# A shell at its own terminal. Data written to descriptor 3 is typed there.
open_terminal() {
	script -qefc 'exec bash --norc --noprofile -i' screen <keys >/dev/null 2>&1 &
	terminal=$!
	exec 3>keys
	type_ "PS1='ready> '"
}

type_() {
	printf '%s\n' "$*" >&3
}

key() { # OCTAL
	sleep 0.5
	# shellcheck disable=SC2059
	printf "\\$1" >&3
}

# within WHAT COMMAND...: the command succeeds within 20 seconds.
within() {
	local what=$1 i
	shift
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && echo "ok: $what" && return
		sleep 0.1
	done
	fail "$what: $*"
	cat screen
	finish # nothing after this could work
}

runs() { # NAME: the process whose PID is in this file exists and is not stopped
	[ -s "$1" ] && grep -q '^State:.[RSD]' "/proc/$(cat "$1")/status"
}

stopped() {
	[ -s "$1" ] && grep -q '^State:.T' "/proc/$(cat "$1")/status"
}

gone() {
	[ -s "$1" ] && ! grep -q '^State:.[RSDT]' "/proc/$(cat "$1")/status"
}

recorder() { # puts the PID of the recording whose command's PID is in this file into recorder
	awk '/^PPid/ { print $2 }' "/proc/$(cat "$1")/status" >recorder
}

open_terminal

# In the background: the shell keeps its terminal and survives.
type_ '"$NUMARING" record -e sched -o a -d 3 -- sh -c "echo \$\$ >a.pid; exec sleep 100" >a.out &'
within "background: the command runs" runs a.pid
type_ 'echo it lives >a.shell'
within "background: the shell goes on" test -s a.shell
within "background: it ends by itself" grep -q ' 0 unaccounted' a.out
within "background: so does the command" gone a.pid

# Ctrl-Z stops both and returns the terminal, fg continues both, Ctrl-C ends the recording.
type_ '"$NUMARING" record -e sched -o b -- sh -c "echo \$\$ >b.pid; exec sleep 100" >b.out'
within "keys: the command runs" runs b.pid
recorder b.pid
key 032
within "Ctrl-Z: the command is stopped" stopped b.pid
within "Ctrl-Z: the recording too" stopped recorder
type_ 'echo back >b.shell'
within "Ctrl-Z: the shell is back" test -s b.shell
type_ fg
within "fg: the command goes on" runs b.pid
within "fg: the recording too" runs recorder
key 003
within "Ctrl-C: the recording ends" grep -q ' 0 unaccounted' b.out
within "Ctrl-C: so does the command" gone b.pid

# A command that ignores Ctrl-C does not keep the recording running.
type_ '"$NUMARING" record -e sched -o c -- sh -c "trap : INT; echo \$\$ >c.pid; while :; do sleep 1; done" >c.out'
within "trap: the command runs" runs c.pid
key 003
within "trap: the recording ends" grep -q ' 0 unaccounted' c.out
within "trap: so does the command" gone c.pid

# The command may read from the terminal.
type_ '"$NUMARING" record -e sched -o d -- sh -c "echo \$\$ >d.pid; read word; echo \$word >d.word" >d.out'
within "reading: the command runs" runs d.pid
type_ hello
within "reading: it reads" grep -qx hello d.word
within "reading: and ends the recording" grep -q ' 0 unaccounted' d.out

# -d terminates what the command started and nothing else, not the rest of the pipeline.
type_ '"$NUMARING" record -e sched -o e -d 3 -- sh -c "sleep 100 & echo \$! >e.child; wait" | (sleep 5; cat >e.out)'
within "pipeline: what the command started runs" runs e.child
within "pipeline: -d ends it" gone e.child
within "pipeline: its reader reads to the end" grep -q ' 0 unaccounted' e.out

# Ctrl-S stops the terminal but not the recording, which ends in time.
type_ '"$NUMARING" record -e sched -o i -d 3 -- sh -c "echo \$\$ >i.pid; exec sleep 100" >i.out'
within "Ctrl-S: the command runs" runs i.pid
recorder i.pid
sleep 1
key 023
within "Ctrl-S: -d ends the recording" gone recorder
key 021
check "Ctrl-S: all accounted for" grep -q ' 0 unaccounted' i.out

# The terminal disappears: a normal end.
type_ '"$NUMARING" record -e sched -o f --stats-json f.json -- sh -c "echo \$\$ >f.pid; exec sleep 100"'
within "hang-up: the command runs" runs f.pid
recorder f.pid
kill -KILL $terminal
exec 3>&-
within "hang-up: the recording ends" gone recorder
within "hang-up: the command too" gone f.pid
check "hang-up: with its numbers" grep -q '"unaccounted": 0' f.json
check "hang-up: the trace can be read" "$NUMARING" stat f >/dev/null

# Under nohup, that does not end the recording.
(trap '' HUP; exec "$NUMARING" record -e sched -o g -d 4 >g.out) &
within "nohup: it records" test -s g/stream
kill -HUP $!
sleep 0.3
check "nohup: it goes on" kill -0 $!
wait $! || fail "nohup: exit status $?"
"$NUMARING" record -e sched -o h >h.out &
within "SIGHUP: it records" test -s h/stream
kill -HUP $!
wait $!
equal "SIGHUP: exit status" $? 0
check "SIGHUP: summary" grep -q ' 0 unaccounted' h.out
finish
