#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""perfetto.py TRACE [EVENTS]: checks a Perfetto trace, against the JSON lines of `numaring cat --json` if given.

It reads the bytes by the field numbers of Perfetto's public schema, not by numaring's own .proto file. Every event of
EVENTS must be in TRACE, at its time, with its fields. The events are of a recording without losses and without -p.
"""
import collections
import json
import re
import struct
import sys

failures = 0


def check(what, ok, more=""):
    global failures
    print("ok:" if ok else "FAILED:", what, "" if ok else more)
    failures += not ok


# ---- the bytes ----

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data):
    """Yields (number, value) for each field of a message."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError("a field is longer than its message")
        else:
            raise ValueError(f"wire type {kind}")
        yield tag >> 3, value


def message(data):
    out = collections.defaultdict(list)
    for number, value in fields(data):
        out[number].append(value)
    return out


def one(m, number, default=None):
    return m[number][-1] if number in m else default


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def double(value):
    return struct.unpack("<d", struct.pack("<Q", value))[0]


# ---- the trace ----

class Trace:
    def __init__(self, data):
        self.tracks = {}    # uuid -> dict
        self.clocks = {}
        self.events = []    # dicts, slices with begin and end
        self.samples = []
        self.open = {}      # track -> its open slice
        self.last = {}      # track -> (time of the last begin or end)
        self.names, self.arg_names, self.frames, self.stacks, self.functions = {}, {}, {}, {}, {}
        self.cleared = False
        self.crossed = self.unresolved = 0
        for number, packet in fields(data):
            if number != 1:
                raise ValueError("not a packet")
            self.packet(message(packet))

    def packet(self, p):
        if one(p, 13, 0) & 1:
            self.cleared = True
            for table in self.names, self.arg_names, self.frames, self.stacks, self.functions:
                table.clear()
        if 12 in p:
            self.interned(message(one(p, 12)))
        if 6 in p:
            snapshot = message(one(p, 6))
            for clock in map(message, snapshot[1]):
                self.clocks[one(clock, 1)] = one(clock, 2)
            self.primary = one(snapshot, 2)
        if 60 in p:
            self.track(message(one(p, 60)))
        if 11 in p:
            self.event(one(p, 8), message(one(p, 11)), one(p, 13, 0))
        if 66 in p:
            s = message(one(p, 66))
            stack = self.stacks.get(one(s, 4), []) if 4 in s else []
            self.unresolved += 4 in s and not stack
            self.samples.append(dict(ts=one(p, 8), cpu=one(s, 1), pid=one(s, 2), tid=one(s, 3), stack=stack))

    def interned(self, data):
        for number, table in (2, self.names), (3, self.arg_names), (5, self.functions):
            for entry in map(message, data[number]):
                table[one(entry, 1)] = one(entry, 2).decode()
        for entry in map(message, data[6]):
            self.frames[one(entry, 1)] = self.functions[one(entry, 2)]
        for entry in map(message, data[7]):
            self.stacks[one(entry, 1)] = [self.frames[i] for i in entry[2]]

    def track(self, t):
        known = self.tracks.setdefault(one(t, 1), {})
        known["parent"] = one(t, 5)
        if 2 in t:
            known["name"] = one(t, 2).decode()
        if 3 in t:
            process = message(one(t, 3))
            known.update(process=one(process, 1), process_name=one(process, 6, b"").decode())
        if 4 in t:
            thread = message(one(t, 4))
            known.update(pid=one(thread, 1), tid=one(thread, 2), thread_name=one(thread, 5, b"").decode())

    def value(self, a):
        if 11 in a:
            return self.args(a[11])
        for number, decode in (2, bool), (3, int), (4, signed), (5, double), (6, bytes.decode), (7, int):
            if number in a:
                return decode(one(a, number))
        return [self.value(message(v)) for v in a[12]]

    def args(self, list_of):
        out = {}
        for a in map(message, list_of):
            name = self.arg_names.get(one(a, 1))
            self.unresolved += name is None
            out[name] = self.value(a)
        return out

    def event(self, ts, e, flags):
        kind, track = one(e, 9), one(e, 11)
        self.unresolved += track not in self.tracks or not self.cleared or not flags & 2
        if kind == 2:
            begun = self.open.pop(track, None)
            self.crossed += begun is None or ts < begun["ts"]
            begun["end"] = self.last[track] = ts
            return
        name = self.names.get(one(e, 10))
        self.unresolved += name is None or (56 in e and one(e, 56) not in self.stacks)
        made = dict(ts=ts, track=track, name=name, args=self.args(e[4]), flow=one(e, 47), flow_end=one(e, 48),
                    kind=kind, end=ts if kind == 3 else None, stack=self.stacks.get(one(e, 56)))
        self.events.append(made)
        if kind == 1:
            self.crossed += track in self.open or ts < self.last.get(track, 0)
            self.open[track] = made

    def owner(self, track):
        """("cpu", N) or ("tid", N) of a track, and the names of the tracks from there on."""
        names = []
        while track:
            t = self.tracks[track]
            if "tid" in t:
                return ("tid", t["tid"]), names
            if t.get("name", "").startswith("CPU "):
                return ("cpu", int(t["name"][4:])), names
            names.insert(0, t.get("name"))
            track = t["parent"]
        return None, names


# ---- what must be in it ----

def number(value):
    """The value that JSON has as a string if a double could not hold it."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{16,20}", value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-f]+", value):
        return int(value, 16)
    if isinstance(value, list):
        return [number(v) for v in value]
    if isinstance(value, dict):
        return {k: number(v) for k, v in value.items()}
    return value


def task_of(e):
    f = e["fields"]
    for tid in ("current_tid", "tid"):
        if tid in f:
            return f[tid]
    return f.get("pid", 0)


DURATIONS = ("duration_ns", "latency_ns", "queue_ns")
KNOWN = ("sched_switch", "sched_wakeup", "sys_enter", "sys_exit", "sample")


def compare(what, expected, got):
    expected, got = collections.Counter(expected), collections.Counter(got)
    missing, more = expected - got, got - expected
    check(f"{what}: {sum(expected.values())}", not missing and not more,
          f"missing {list(missing.items())[:3]}, unexpected {list(more.items())[:3]}")


def check_cpus(trace, events, drawn):
    """What runs on each CPU between two switches."""
    expected, running = [], {}
    for e in (e for e in events if e["event"] == "sched_switch"):
        f = e["fields"]
        begin, tid = running.get(e["cpu"], (events[0]["ts"], f["prev_pid"]))
        # numaring's own switches are not recorded: then it is unknown when the thread left.
        end = e["ts"] if tid == f["prev_pid"] else begin
        if tid and (begin < e["ts"] or e["cpu"] in running):
            expected.append((e["cpu"], begin, end, tid))
        running[e["cpu"]] = e["ts"], f["next_pid"]
    expected += [(cpu, begin, events[-1]["ts"], tid) for cpu, (begin, tid) in running.items() if tid]
    got = [(owner[1], e["ts"], e["end"], e["args"]["tid"]) for e, owner, rows in drawn
           if owner and owner[0] == "cpu" and not rows]
    compare("stretches on CPUs", expected, got)


def check_states(trace, events, drawn):
    """Running, as the switches say; and no moment of a thread with two states."""
    expected, running, seen = [], {}, set()
    for e in (e for e in events if e["event"] in ("sched_switch", "sched_wakeup")):
        f = e["fields"]
        if e["event"] == "sched_wakeup":
            seen.add(f["pid"])
            continue
        if f["prev_pid"] in running:
            expected.append((f["prev_pid"], running.pop(f["prev_pid"]), e["ts"]))
        elif f["prev_pid"] and f["prev_pid"] not in seen and e["ts"] > events[0]["ts"]:
            expected.append((f["prev_pid"], events[0]["ts"], e["ts"]))
        seen.add(f["prev_pid"])
        if f["next_pid"] in running:
            begin = running[f["next_pid"]]
            expected.append((f["next_pid"], begin, e["ts"] - f["off_ns"] if f["off_ns"] else begin))
        if f["next_pid"]:
            running[f["next_pid"]] = e["ts"]
            seen.add(f["next_pid"])
    expected += [(tid, begin, events[-1]["ts"]) for tid, begin in running.items()]
    got = [(owner[1], e["ts"], e["end"]) for e, owner, rows in drawn if rows == ["State"] and e["name"] == "Running"]
    compare("threads running", expected, got)
    sleeps = [e for e in events if e["event"] == "sched_switch" and e["fields"]["prev_pid"]
              and e["fields"]["prev_state"] in ("SLEEPING", "UNINTERRUPTIBLE") and not e["fields"]["preempt"]]
    got = {(owner[1], e["ts"]) for e, owner, rows in drawn if rows == ["State"] and e["name"].startswith(
        ("Sleeping", "Uninterruptible"))}
    check(f"threads sleeping: {len(sleeps)}", all((e["fields"]["prev_pid"], e["ts"]) in got for e in sleeps))


def check_calls(trace, events, drawn):
    expected, inside = [], {}
    for e in events:
        f = e["fields"]
        if e["event"] == "sys_enter":
            inside[f["tid"]] = e["ts"]
        elif e["event"] == "sys_exit" and f["tid"] in inside:
            expected.append((f["tid"], f["nr"], inside.pop(f["tid"]), e["ts"], number(f["ret"])))
    got = [(owner[1], e["name"], e["ts"], e["end"], e["args"]["ret"]) for e, owner, rows in drawn
           if rows == ["System calls"] and "ret" in e["args"] and "args" in e["args"]]
    compare("system calls", expected, got)
    exits = [e for e in events if e["event"] == "sys_exit"]
    check("ends of system calls", len(exits) == sum("ret" in e["args"] for e, _, rows in drawn
                                                    if rows == ["System calls"]))


def check_flows(trace, events):
    wakeups = [e for e in events if e["event"] == "sched_wakeup"]
    instants = [e for e in trace.events if e["kind"] == 3 and "waker_pid" in e["args"]]
    compare("wake-ups", ((e["ts"], e["fields"]["pid"], e["fields"]["waker_pid"]) for e in wakeups),
            ((e["ts"], e["args"]["pid"], e["args"]["waker_pid"]) for e in instants))
    begins = {e["flow"]: e for e in trace.events if e["flow"]}
    ends = {e["flow_end"]: e for e in trace.events if e["flow_end"]}
    check(f"flows: {len(begins)}", begins.keys() == ends.keys())
    wrong = [f for f, e in begins.items() if f in ends and (
        e["ts"] != ends[f]["ts"] or trace.owner(ends[f]["track"])[0] != ("tid", e["args"]["pid"])
        or ends[f]["name"] != "Runnable")]
    check("flows lead to the thread that is woken", not wrong, wrong[:3])


def check_others(trace, events, drawn):
    """All other events, with their fields."""
    expected, got = [], []
    for e in events:
        if e["event"] in KNOWN:
            continue
        f = {k: number(v) for k, v in e["fields"].items() if k != "stack"}
        took = next((f[d] for d in DURATIONS if d in f), 0)
        begin = max(e["ts"] - took, events[0]["ts"])
        owner = ("tid", task_of(e)) if task_of(e) > 0 else ("cpu", e["cpu"])
        expected.append(json.dumps([begin, e["ts"], owner, f], sort_keys=True))
    for e, owner, rows in drawn:
        if rows in (["State"], ["System calls"]) or "waker_pid" in e["args"] or (owner and owner[0] == "cpu" and not rows):
            continue
        f = {k: number(v) for k, v in e["args"].items() if k not in ("stack", "late_ts")}
        got.append(json.dumps([e["ts"], e["end"], owner, f], sort_keys=True))
    compare("other events", expected, got)


def check_samples(trace, events):
    samples = [e for e in events if e["event"] == "sample"]
    compare("samples", ((e["ts"], e["cpu"], e["fields"]["tid"]) for e in samples),
            ((s["ts"], s["cpu"], s["tid"]) for s in trace.samples))
    deep = sum(len(s["stack"]) > 1 for s in trace.samples)
    check("samples have stacks", deep * 2 >= len(samples))


def main():
    trace = Trace(open(sys.argv[1], "rb").read())
    drawn = [(e, *trace.owner(e["track"])) for e in trace.events]
    check("slices do not cross, and all have ended", not trace.crossed and not trace.open, trace.crossed)
    check("all names are known", not trace.unresolved, trace.unresolved)
    if len(sys.argv) < 3:
        return failures > 0
    events = [json.loads(line) for line in open(sys.argv[2])]
    for e in events:
        e["ts"] = int(e["ts"])
    utc = re.match(r"(.*)\.(\d{9})Z", events[0]["time"])
    check("the clocks", trace.primary == 3 and trace.clocks[3] == events[0]["ts"] and
          f"{trace.clocks[1] % 10**9:09}" == utc[2])
    check_cpus(trace, events, drawn)
    check_states(trace, events, drawn)
    check_calls(trace, events, drawn)
    check_flows(trace, events)
    check_others(trace, events, drawn)
    check_samples(trace, events)
    return failures > 0


sys.exit(main())
