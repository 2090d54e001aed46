# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares the module with the command, and its columns with its events. See python.sh."""

import datetime
import json
import os
import subprocess
import sys
import threading
import unittest
import warnings

if os.environ["WITH"] == "plain":
    sys.modules["numpy"] = None  # as if it were not installed
import numaring

NUMARING = os.environ["NUMARING"]
PLAIN = numaring.numpy is None


def run(*args):
    return subprocess.run([NUMARING, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def lines(path, *args):
    return [json.loads(line) for line in run("cat", "--json", path, *args).stdout.splitlines()]


def same(ours, theirs):
    """Are the values equal? In JSON, an integer above 2^53 is a string."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and list(ours) == list(theirs) and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list):
        return isinstance(theirs, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, int) and isinstance(theirs, str):
        return abs(ours) > 2**53 and str(ours) == theirs
    if isinstance(ours, float):
        return ours == theirs  # JSON has 12 for 12.0
    return type(ours) is type(theirs) and ours == theirs


def at_path(fields, path):
    for name in path.split("."):
        if not isinstance(fields, dict) or name not in fields:
            return None
        fields = fields[name]
    return fields


def as_list(column):
    return column if isinstance(column, list) else column.tolist()


class Events(unittest.TestCase):
    def expect_same(self, path, args=(), **options):
        theirs = lines(path, *args)
        with numaring.open(path, **options) as trace:
            ours = list(trace)
        self.assertEqual(len(ours), len(theirs))
        for mine, other in zip(ours, theirs):
            self.assertTrue(same(mine, other), f"{path}: {mine} is not {other}")
        return ours

    def test_odd_traces(self):
        for path in ["raw", "twins", "gap", "late-loss", "past", "far", "flat", "series"]:
            self.assertTrue(self.expect_same(path))

    def test_every_kind(self):
        events = self.expect_same("kinds")
        first = events[0]["fields"]
        self.assertEqual(first["u64"], 2**64 - 1)
        self.assertEqual(first["i64"], -(2**63))
        self.assertEqual((first["color"], first["big"], first["flag"]), ("GREEN", "HUGE", True))
        self.assertEqual(first["text"], 'sh "x"\t\\')
        self.assertEqual(first["ps"], [{"x": 3, "y": -4}, {"x": 5, "y": -6}])
        kinds = [event["fields"] for event in events if event["event"] == "kinds"]
        self.assertTrue(any(isinstance(fields.get("color"), int) for fields in kinds))
        self.assertTrue(any("late_ts" in event for event in events))
        self.assertTrue(any(event["event"] == "numaring:raw" for event in events))

    def test_recording(self):
        if os.path.exists("real"):
            self.assertTrue(self.expect_same("real"))

    def test_windows(self):
        for begin, end in [("1", "2.5"), ("-10s", None), (None, "1m"), ("23:59:40", "00:00:10"),
                           ("2026-11-28T23:59:50.5Z", "2026-11-29T01:00:05+01:00"), ("0.5m", "-500ms")]:
            args = (["--from", begin] if begin else []) + (["--to", end] if end else [])
            for path in ["flat", "series"]:
                self.assertTrue(self.expect_same(path, args, begin=begin, end=end))
        events = list(numaring.open("flat"))
        some = list(numaring.open("flat", begin=events[5]["ts"], end=events[9]["ts"]))
        self.assertEqual([event["ts"] for event in some],
                         [e["ts"] for e in events if events[5]["ts"] <= e["ts"] < events[9]["ts"]])
        if not PLAIN:
            ts = numaring.open("flat").columns(names=["ts"])["ts"]
            self.assertEqual(some, list(numaring.open("flat", begin=ts[5], end=ts[9])))
        noon = datetime.datetime(2026, 11, 29, tzinfo=datetime.timezone.utc)
        self.expect_same("flat", ["--from", "2026-11-29T00:00:00Z"], begin=noon)
        self.expect_same("flat", ["--from", "2026-11-29"], begin="2026-11-29")

    def test_filter(self):
        for text in ["u8 > 100 && color == GREEN", "cpu in [1-2]", 'type == "kin*"']:
            self.assertTrue(self.expect_same("kinds", ["--filter", text], filter=text))

    def test_iterations_are_independent(self):
        with numaring.open("kinds") as trace:
            one, two = iter(trace), iter(trace)
            next(one)
            self.assertEqual([next(one) for _ in range(1500)], [next(two) for _ in range(1501)][1:])
        self.assertEqual(len(list(two)), 2003 - 1501)
        with self.assertRaises(ValueError):
            iter(trace)

    def test_files_are_closed(self):
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            next(iter(numaring.open("kinds")))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_another_directory(self):
        trace = numaring.open("series")
        os.mkdir("elsewhere")
        os.chdir("elsewhere")
        try:
            self.assertEqual(len(list(trace)), len(lines("../series")))
        finally:
            os.chdir("..")
            os.rmdir("elsewhere")


class Columns(unittest.TestCase):
    def expect_columns(self, event_type, trace):
        events = [event for event in trace if event["event"] == event_type]
        columns = trace.columns(event_type)
        paths = list(trace.types[event_type])
        self.assertEqual(len(columns), 2 + len(paths))
        self.assertEqual(as_list(columns["ts"]), [event["ts"] for event in events])
        self.assertEqual(as_list(columns["cpu"]), [event["cpu"] for event in events])
        for name in paths:
            column = as_list(columns.get(name, columns.get("fields." + name)))
            kind = trace.types[event_type][name]
            for value, event in zip(column, events):
                want = at_path(event["fields"], name)
                if kind.startswith("float") and want is None:
                    continue  # no number
                if paths[-1] not in event["fields"] and (want is None or isinstance(want, list)):
                    # The payload is too short for its type.
                    self.assertIn(value, (0, None, want, [0] * 6))
                    continue
                if kind == "pointer":
                    value = hex(value)
                if kind == "float32":
                    self.assertAlmostEqual(value / (want or 1), 1 if want else 0, 5)
                else:
                    self.assertTrue(same(value, want), f"{event_type}.{name}: {value!r} is not {want!r}")

    def test_all_types(self):
        for path in ["kinds", "flat", "real"]:
            if not os.path.exists(path):
                continue
            trace = numaring.open(path)
            for event_type in trace.types:
                self.expect_columns(event_type, trace)

    def test_array_types(self):
        columns = numaring.open("kinds").columns("kinds", ["u64", "i16", "flag", "d", "ps", "color", "p.y"])
        if PLAIN:
            self.assertEqual([type(c).__name__ for c in columns.values()],
                             ["array", "array", "list", "array", "list", "list", "array"])
        else:
            self.assertEqual([str(c.dtype) for c in columns.values()],
                             ["uint64", "int16", "bool", "float64", "object", "object", "int16"])
            self.assertTrue(columns["u64"].flags.writeable)

    def test_events_of_all_types(self):
        trace = numaring.open("kinds", filter="cpu == 1")
        events = list(trace)
        columns = trace.columns(names=["ts", "cpu", "lost", "late", "time", "event"])
        for name in ["ts", "cpu", "lost", "time", "event"]:
            self.assertEqual(as_list(columns[name]), [event[name] for event in events])
        self.assertEqual(as_list(columns["late"]), ["late_ts" in event for event in events])

    def test_none(self):
        empty = numaring.open("kinds", filter="u8 == 0 && u8 == 1").columns("kinds", ["ts", "text"])
        self.assertEqual([len(column) for column in empty.values()], [0, 0])
        self.assertEqual(numaring.open("kinds").columns("kinds", []), {})


class Refusals(unittest.TestCase):
    def expect_error(self, want, act):
        with self.assertRaises(numaring.Error) as caught:
            act()
        self.assertIn(want, str(caught.exception))
        self.assertGreater(caught.exception.errno, 0)

    def test_sentences(self):
        trace = numaring.open("kinds")
        self.expect_error("cannot open the trace", lambda: numaring.open("none"))
        self.expect_error("filter, column 1", lambda: numaring.open("kinds", filter="nonsense == 1"))
        self.expect_error("has no event type kind: did you mean kinds?", lambda: trace.columns("kind"))
        self.expect_error("did you mean color?", lambda: trace.columns("kinds", ["colour"]))
        self.expect_error("give a type", lambda: trace.columns(names=["prev_pid"]))
        self.expect_error("has a NUL", lambda: numaring.open("kinds", filter="u8 > 100\0 || u8 == 1"))
        self.expect_error("has a NUL", lambda: trace.columns("kinds\0", ["ts"]))
        self.expect_error("has a NUL", lambda: trace.columns("kinds", ["ts\0"]))
        self.expect_error("invalid time 'soon'", lambda: numaring.open("kinds", begin="soon"))
        self.expect_error("invalid time 1.5", lambda: numaring.open("kinds", begin=1.5))
        self.expect_error("is after the end", lambda: numaring.open("kinds", begin="1h"))
        self.expect_error("is not before end", lambda: numaring.open("flat", begin="2", end="1"))

    def test_damage(self):
        said = run("cat", "--json", "broken").stderr.decode().splitlines()[0]
        events, trace = [], numaring.open("broken")
        with self.assertRaises(numaring.Error) as caught:
            for event in trace:
                events.append(event)
        self.assertEqual("numaring: " + os.path.relpath(str(caught.exception)), said)
        self.assertTrue(same(events, lines("broken")))
        self.assertTrue(events)
        with self.assertRaises(numaring.Error):
            trace.columns("kinds", ["ts"])
        account = trace.account()
        self.assertEqual((account.complete, account.problem), (False, "the stream is damaged"))

    def test_damage_is_skipped(self):
        trace = numaring.open("broken", skip_damaged=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            events = list(trace)
        self.assertEqual([w.category for w in caught], [numaring.TraceWarning])
        self.assertIn("checksum", str(caught[0].message))
        whole = list(numaring.open("kinds"))
        self.assertLess(len(events), len(whole))
        self.assertEqual(events[-1], whole[-1])
        self.assertEqual(trace.account().problem, "1 packet missing because of damage")


class Accounts(unittest.TestCase):
    def test_as_stat(self):
        for path in ["kinds", "raw", "gap", "late-loss", "killed", "flat", "series", "series/000002"]:
            said = run("stat", path).stdout.decode().splitlines()
            verdict = [line for line in said if "complete" in line][0]
            account = numaring.open(path).account()
            problem = "not complete: " + account.problem
            self.assertEqual(verdict, "complete" if account.complete else problem)
            stat = json.loads(run("stat", "--json", path).stdout)
            self.assertEqual(account.lost, stat["lost"])
            self.assertEqual(account.missed_events, stat["missed_events"])
            self.assertEqual(numaring.open(path).complete, account.complete)

    def test_threads(self):
        before, interval = list(warnings.filters), sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=lambda: [numaring.open("kinds").account() for _ in range(20)])
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        self.assertEqual(warnings.filters, before)

    def test_numbers(self):
        trace = numaring.open("kinds")
        self.assertEqual((trace.account().written, trace.account().reserved), (2003, 2003))
        self.assertEqual(trace.span[0], 1000)
        self.assertEqual(trace.clock_offset, 1795910370123456789)
        self.assertIsNone(trace.recorded_filter)
        self.assertEqual(trace.types["point"], {"x": "uint32", "y": "int16"})
        self.assertEqual(trace.types["a.tail"]["data"], "uint16[]")
        self.assertEqual(trace.types["kinds"]["p.y"], "int16")


if __name__ == "__main__":
    unittest.main(verbosity=2)
