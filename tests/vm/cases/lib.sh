# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=dash
#
# Every case starts with: . /case/lib.sh. The shell is busybox's. VM_NODES, VM_CPUS and the others hold the
# values requested of run.

sys_cpu=/sys/devices/system/cpu
sys_node=/sys/devices/system/node
loads=""

pass() { echo "ok: $*"; }
fail() { echo "FAIL: $*"; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }

# same WHAT GOT WANT
same()
{
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
	pass "$1 is '$2'"
}

# has WORDS WORD
has()
{
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

# "0-2,5" becomes "0 1 2 5"
expand()
{
	local range all=""
	for range in $(echo "$1" | tr , ' '); do
		all="$all $(seq -s ' ' "${range%-*}" "${range#*-}")"
	done
	echo "${all# }"
}

online_cpus() { expand "$(cat $sys_cpu/online)"; }
online_nodes() { expand "$(cat $sys_node/online)"; }
node_cpus() { expand "$(cat "$sys_node/node$1/cpulist")"; }

cpu_node()
{
	local link
	for link in "$sys_cpu/cpu$1"/node*; do
		echo "${link##*/node}"
	done
}

cpu_offline() { echo 0 >"$sys_cpu/cpu$1/online" || fail "CPU $1 does not go offline"; }
cpu_online() { echo 1 >"$sys_cpu/cpu$1/online" || fail "CPU $1 does not come online"; }

# Runs a busy loop on each named CPU, until unload or the end of the machine.
load()
{
	local cpu
	for cpu in "$@"; do
		taskset -c "$cpu" sh -c 'while :; do :; done' &
		loads="$loads $!"
	done
}

unload()
{
	local pid
	for pid in $loads; do
		kill "$pid"
		wait "$pid" 2>/dev/null
	done
	loads=""
}

# wait_for SECONDS COMMAND...: waits until the command succeeds; false if it does not in this time.
wait_for()
{
	local end
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# in_cpuset CPUS NODES COMMAND...: runs the command where it sees only these CPUs and nodes.
in_cpuset()
(
	group=/sys/fs/cgroup/half
	echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $group
	echo "$1" >$group/cpuset.cpus
	echo "$2" >$group/cpuset.mems
	shift 2
	sh -c "echo \$\$ >$group/cgroup.procs && exec \"\$@\"" sh "$@"
)
