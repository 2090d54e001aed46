#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# numaring.service: systemd takes the unit, and its command records with the unit's rights as another user.
. "$(dirname "$0")/../lib.sh"
: "${BUILD:=$(dirname "$NUMARING")}"
unit=$(realpath "$BUILD/src/numaring.service")
scratch

setting() { # NAME: the value in the unit
	sed -n "s/^$1=//p" "$unit"
}
if command -v systemd-analyze >/dev/null; then
	sed "s|^ExecStart=[^ ]*|ExecStart=$NUMARING|; /^Documentation=/d" "$unit" >numaring.service
	said=$(systemd-analyze verify "$PWD/numaring.service" 2>&1 | grep numaring.service)
	equal "systemd-analyze verify" "$said" ""
else
	echo "note: systemd-analyze is not installed, so the unit was not verified"
fi

check "a call outside the filter fails, it does not kill" test "$(setting SystemCallErrorNumber)" = EPERM

# ExecStartPre keeps the newest two traces.
for day in 1 2 3 4; do
	mkdir -p old/numaring-2026010$day-000000/x
	touch -d "2026-01-0$day" old/numaring-2026010$day-000000
done
mkdir old/other
prepare=$(setting ExecStartPre)
check "ExecStartPre succeeds" eval "(cd old && $prepare)"
equal "it keeps the newest two traces" "$(ls old | tr '\n' ' ')" \
	"numaring-20260103-000000 numaring-20260104-000000 other "
mkdir none
check "ExecStartPre succeeds without traces" eval "(cd none && $prepare)"

[ "$(id -u)" = 0 ] || skip "only root can give rights to another user"
need setpriv
need_bpf
equal "rights: ambient and bounding" "$(setting AmbientCapabilities)" "$(setting CapabilityBoundingSet)"
caps=$(setting AmbientCapabilities | sed 's/CAP_/+/g; s/ /,/g' | tr '[:upper:]' '[:lower:]')
read -ra args < <(setting Environment | sed 's/^"NUMARING_ARGS=//; s/"$//')

# Copies, because the user nobody may be unable to read the build directory.
mkdir program
cp "$NUMARING" "$(ldd "$NUMARING" | awk '/libnumaring/ { print $3 }')" program/
mkdir -m 777 state
chmod 755 . program
(cd state && exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --inh-caps="-all,$caps" \
	--ambient-caps="-all,$caps" --bounding-set="-all,$caps" env LD_LIBRARY_PATH="$PWD/../program" \
	"$PWD/../program/numaring" record "${args[@]}") >out 2>&1 </dev/null &
pid=$!
await grep -q '^numaring: recording to ' out
trace=$(echo state/numaring-*)
kill -USR2 $pid # systemctl reload
await test -e "$trace/000000/metadata"
kill -TERM $pid # systemctl stop
wait $pid
equal "exit status after SIGTERM" "$?" 0
cat out
check "the account is complete" grep -q '; 0 unaccounted$' out
check "the trace is whole" "$NUMARING" verify "$trace"
equal "only the owner may read it" "$(stat -c %A "$trace")" drwx------
finish
