# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares numaring's Python module with babeltrace2's: versus_bt2.py TRACE [ROUNDS]

In each round, each reads all events of the trace, with the time, the name and two integer fields of each.
A sum over these shows that both read the same. The result is the ratio of their CPU times, the median of
the rounds with the least and the greatest. Columns read the same values of the most frequent type.
"""

import statistics
import sys
import time

import bt2

import numaring


def by_bt2(path, wanted):
    total = 0
    for message in bt2.TraceCollectionMessageIterator(path):
        if type(message) is not bt2._EventMessageConst:
            continue
        event = message.event
        one, two = wanted[event.name]
        fields = event.payload_field
        total += message.default_clock_snapshot.value + int(fields[one]) + int(fields[two])
    return total


def by_numaring(path, wanted):
    total = 0
    for event in numaring.open(path):
        one, two = wanted[event["event"]]
        fields = event["fields"]
        total += event["ts"] + fields[one] + fields[two]
    return total


def by_columns(path, wanted):
    """All types, each with the same values."""
    total = 0
    trace = numaring.open(path)
    for event_type, names in wanted.items():
        for column in trace.columns(event_type, ["ts", *names]).values():
            total += int(column.astype(object).sum()) if numaring.numpy else sum(column)
    return total


def two_integers(fields):
    names = [name for name, kind in fields.items() if kind.lstrip("u") in ("int32", "int64") and "." not in name]
    return names[:2]


def timed(function, *arguments):
    begin = time.process_time()
    result = function(*arguments)
    return time.process_time() - begin, result


def main():
    path = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    trace = numaring.open(path)
    present = set(trace.columns(names=["event"])["event"])
    wanted = {name: two_integers(fields) for name, fields in trace.types.items() if name in present}
    n = len(trace.columns(names=["ts"])["ts"])
    ratios = {by_numaring: [], by_columns: []}
    for _ in range(rounds):
        theirs, total = timed(by_bt2, path, wanted)
        for function, found in ratios.items():
            ours, same = timed(function, path, wanted)
            if same != total:
                sys.exit(f"{function.__name__} read {same}, and bt2 {total}")
            found.append(theirs / ours)
        print(f"bt2: {theirs / n * 1e6:.2f} us an event, the last one: {ours / n * 1e6:.3f} us", file=sys.stderr)
    for name, found in zip(["events", "columns"], ratios.values()):
        middle = statistics.median(found)
        print(f"{name}: {middle:.1f} [{min(found):.1f}, {max(found):.1f}] times as fast as bt2, {n} events, {rounds} rounds")


if __name__ == "__main__":
    main()
