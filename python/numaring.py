# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads the traces of numaring, as events in exact order or as columns.

    import numaring

    with numaring.open("trace", filter='comm == "postgres"') as trace:
        for event in trace:
            print(event["time"], event["event"], event["fields"])

        columns = trace.columns("sys_exit", ["ts", "duration_ns"])
        print(columns["duration_ns"].max())     # a numpy array, if numpy is installed

Events are dicts with the members of a line of `numaring cat --json`. Integers are exact. Columns are
numpy arrays if numpy is installed, otherwise objects of array.array, or lists.

What is wrong with a trace is an Error with the library's sentence; what is worth knowing is a warning.
"""

from __future__ import annotations

import array
import calendar
import ctypes
import datetime
import errno
import operator
import os
import pickle
import re
import sysconfig
import time
import warnings
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["Account", "Error", "Time", "Trace", "TraceWarning", "open", "version"]

Time = Union[str, int, datetime.datetime]
"""A time of a trace. A str is what --from and --to take: UTC as in "2026-11-29T08:00:00.5Z", a local time
of day as in "08:00:00", a time since the start as in "12.5", "90s" or "10m", or before the end as in
"-10s". An int is ns of CLOCK_MONOTONIC, as in event["ts"]. A datetime without a time zone is local."""

_BATCH = 1024  # events that are made at once: more do not fit into the caches
_ROWS = 65536  # events to look at before Python sees a Ctrl-C


class Error(Exception):
    """A trace cannot be opened or read further, or a filter, a time or a column is wrong.

    errno: what errno.h calls it, errno.EBADMSG for damage.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.errno = number


class TraceWarning(UserWarning):
    """Something about a trace that does not stop its reader: damage that was skipped, for example."""


class Account(NamedTuple):
    """How a trace ended, and what is missing in it (docs/api.md, A trace)."""

    complete: bool  # all events of the recording are in the trace, and nothing went wrong
    problem: str  # why it is not complete, or why nobody can tell; "" if it is
    lost: int  # records lost while they were recorded, before the end of this trace
    missed_events: int  # recorded, but not in this trace: an optional output fell behind, or damage
    damaged_packets: int  # left out because they are damaged
    # The rest is of the whole recording, and 0 if the trace does not have its end.
    reserved: int
    written: int
    discarded: int
    filtered: int
    late: int
    unwritten: int
    unaccounted: int
    malformed: int
    earlier: int  # events of chunks that were removed


# ---- the library ----

_LogFn = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)
_EachFn = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint16, ctypes.c_char_p)
_ERROR, _WARN = 0, 1
_UINT, _INT, _FLOAT, _TEXT, _ARRAY, _STRUCT = range(6)
_u64 = ctypes.c_uint64


class _TraceOpts(ctypes.Structure):
    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("log", _LogFn),
        ("log_ctx", ctypes.c_void_p),
        ("skip_damaged", ctypes.c_bool),
        ("damage", ctypes.c_void_p),
        ("damage_ctx", ctypes.c_void_p),
    ]


class _QueryOpts(ctypes.Structure):
    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("log", _LogFn),
        ("log_ctx", ctypes.c_void_p),
        ("node_of_cpu", ctypes.c_void_p),
        ("n_cpus", ctypes.c_uint),
        ("recording", ctypes.c_bool),
    ]


class _BulkOpts(ctypes.Structure):
    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("log", _LogFn),
        ("log_ctx", ctypes.c_void_p),
        ("query", ctypes.c_void_p),
        ("end", _u64),
        ("type", ctypes.c_char_p),
        ("columns", ctypes.POINTER(ctypes.c_char_p)),
        ("n_columns", ctypes.c_uint),
    ]


class _Column(ctypes.Structure):
    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("kind", ctypes.c_int),
        ("is_bool", ctypes.c_bool),
        ("bytes", ctypes.c_uint),
        ("count", ctypes.c_uint),
        ("is_array", ctypes.c_bool),
    ]


class _Field(ctypes.Structure):
    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("kind", ctypes.c_int),
        ("is_bool", ctypes.c_bool),
        ("is_enum", ctypes.c_bool),
        ("is_tail", ctypes.c_bool),
        ("is_pointer", ctypes.c_bool),
        ("bit_offset", ctypes.c_uint32),
        ("bits", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("inside", ctypes.c_void_p),
        ("layout", ctypes.c_void_p),
        ("elem_kind", ctypes.c_int),
    ]


class _Packet(ctypes.Structure):
    _fields_ = [
        (name, _u64)
        for name in (
            "offset size seq begin end watermark lost missed_packets missed_events "
            "damaged_packets chunk lost_before packets_before"
        ).split()
    ]


class _EndMark(ctypes.Structure):
    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("end", _u64),
        ("error", ctypes.c_int),
        ("repaired", ctypes.c_bool),
        ("reserved", _u64),
        ("written", _u64),
        ("discarded", _u64),
        ("malformed", _u64),
        ("unwritten", _u64),
        ("unaccounted", _u64),
        ("late", _u64),
        ("lost_total", _u64),
        ("n_lost", ctypes.c_uint),
        ("n_misfits", ctypes.c_uint),
        ("lost", ctypes.c_void_p),
        ("misfits", ctypes.c_void_p),
        ("misfit_stride", ctypes.c_size_t),
        ("rotated", ctypes.c_bool),
        ("chunk", _u64),
        ("earlier", _u64),
        ("filtered", _u64),
    ]


def _find_library() -> ctypes.CDLL:
    """The library of the prefix that this file is installed in, or the system's."""
    name = "libnumaring.so.0"
    lib = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for where in (lib, os.path.join(lib, sysconfig.get_config_var("MULTIARCH") or ""), lib + "64"):
        path = os.path.join(where, name)
        if os.path.exists(path):
            return ctypes.CDLL(path)
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise ImportError(f"{error}: install the package libnumaring0") from None


def _load() -> ctypes.CDLL:
    pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    field = ctypes.POINTER(_Field)
    functions = {
        "nr_version_string": (text,),
        "nr_trace_open": (ctypes.c_int, ctypes.POINTER(pointer), text, ctypes.POINTER(_TraceOpts)),
        "nr_trace_close": (None, pointer),
        "nr_trace_types": (pointer, pointer),
        "nr_trace_span": (ctypes.c_int, pointer, ctypes.POINTER(_u64), ctypes.POINTER(_u64)),
        "nr_trace_clock_offset": (ctypes.c_int64, pointer),
        "nr_trace_nodes": (pointer, pointer, ctypes.POINTER(ctypes.c_uint)),
        "nr_trace_filter": (text, pointer),
        "nr_trace_seek": (ctypes.c_int, pointer, _u64),
        "nr_trace_packet": (ctypes.POINTER(_Packet), pointer),
        "nr_trace_end": (ctypes.c_int, pointer, ctypes.POINTER(_EndMark)),
        "nr_types_each": (ctypes.c_int, pointer, _EachFn, pointer),
        "nr_types_field_at": (ctypes.c_int, pointer, ctypes.c_uint16, field, ctypes.c_uint, field),
        "nr_query_new": (ctypes.c_int, ctypes.POINTER(pointer), text, pointer, ctypes.POINTER(_QueryOpts)),
        "nr_query_free": (None, pointer),
        "nr_bulk_new": (ctypes.c_int, ctypes.POINTER(pointer), pointer, ctypes.POINTER(_BulkOpts)),
        "nr_bulk_free": (None, pointer),
        "nr_bulk_next": (ctypes.c_int, pointer, size),
        "nr_bulk_rows": (size, pointer),
        "nr_bulk_data": (pointer, pointer, ctypes.c_uint, ctypes.POINTER(size)),
        "nr_bulk_column": (ctypes.c_int, pointer, ctypes.c_uint, ctypes.POINTER(_Column)),
    }
    library = _find_library()
    for name, (result, *arguments) in functions.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{library._name} is too old: it has no {name}") from None
        function.restype, function.argtypes = result, arguments
    return library


_lib = _load()


def version() -> str:
    """The version of the library, as in "0.1.0"."""
    return _lib.nr_version_string().decode()


def _c_text(text: str) -> bytes:
    """For a function of C, to which a text with a NUL would be a shorter one."""
    if "\0" in text:
        raise Error(f"{text!r} has a NUL: leave it out", errno.EINVAL)
    return text.encode()


class _Log:
    """Keeps what the library says until somebody asks how a call went."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet  # no warnings
        self._said: List[Tuple[int, str]] = []
        self.function = _LogFn(self._take)

    def _take(self, _context: Any, level: int, text: bytes) -> None:
        if level <= _WARN:
            self._said.append((level, text.decode("utf-8", "replace")))

    def check(self, result: int, what: str) -> int:
        """Raises the last error if result is one. Everything else that was said is a warning."""
        said, self._said = self._said, []
        message = f"{what}: {os.strerror(-result)}"
        if result < 0 and said and said[-1][0] == _ERROR:
            message = said.pop()[1]
        for _level, text in [] if self._quiet else said:
            warnings.warn(text, TraceWarning, stacklevel=4)
        if result < 0:
            raise Error(message, -result)
        return result


class _Reader:
    """A trace that is read once, from begin to end. Each iteration has its own."""

    def __init__(self, trace: "Trace", quiet: bool = False) -> None:
        self.handle, self._query, self._bulk = (ctypes.c_void_p() for _ in range(3))
        self.log = _Log(quiet)
        self.dir, self.end = trace.path, 0
        opts = _TraceOpts(sz=ctypes.sizeof(_TraceOpts), skip_damaged=trace._skip_damaged)
        opts.log = self.log.function
        result = _lib.nr_trace_open(ctypes.byref(self.handle), os.fsencode(self.dir), ctypes.byref(opts))
        self.check(result, "cannot open")

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        _lib.nr_bulk_free(self._bulk)
        _lib.nr_query_free(self._query)
        _lib.nr_trace_close(self.handle)
        self.handle, self._query, self._bulk = (ctypes.c_void_p() for _ in range(3))

    def check(self, result: int, what: str) -> int:
        return self.log.check(result, f"{what} {self.dir}")

    @property
    def types(self) -> int:
        return _lib.nr_trace_types(self.handle)

    @property
    def clock_offset(self) -> int:
        return _lib.nr_trace_clock_offset(self.handle)

    def span(self) -> Optional[Tuple[int, int]]:
        begin, end = _u64(), _u64()
        result = _lib.nr_trace_span(self.handle, ctypes.byref(begin), ctypes.byref(end))
        if result == -errno.ENODATA:
            return None
        self.check(result, "cannot read")
        return begin.value, end.value

    def limit(self, begin: Optional[Time], end: Optional[Time]) -> None:
        span = self.span()
        if span is None or (begin is None and end is None):
            return
        window = _window(begin, end, span, self.clock_offset, self.dir)
        self.end = window[1]
        if window[0] > span[0]:
            self.check(_lib.nr_trace_seek(self.handle, window[0]), "cannot find the place in")

    def filter(self, text: Optional[str]) -> None:
        if text is None:
            return
        n_cpus = ctypes.c_uint()
        opts = _QueryOpts(sz=ctypes.sizeof(_QueryOpts), log=self.log.function)
        opts.node_of_cpu = _lib.nr_trace_nodes(self.handle, ctypes.byref(n_cpus))
        opts.n_cpus = n_cpus.value
        result = _lib.nr_query_new(ctypes.byref(self._query), _c_text(text), self.types, ctypes.byref(opts))
        self.check(result, "cannot compile the filter for")

    def rows(self, event_type: Optional[str] = None, names: Sequence[str] = ()) -> None:
        columns = (ctypes.c_char_p * len(names))(*map(_c_text, names))
        opts = _BulkOpts(sz=ctypes.sizeof(_BulkOpts), log=self.log.function, query=self._query.value)
        opts.end, opts.columns, opts.n_columns = self.end, columns, len(names)
        opts.type = None if event_type is None else _c_text(event_type)
        result = _lib.nr_bulk_new(ctypes.byref(self._bulk), self.handle, ctypes.byref(opts))
        self.check(result, "cannot read")

    def column(self, i: int) -> _Column:
        column = _Column(sz=ctypes.sizeof(_Column))
        _lib.nr_bulk_column(self._bulk, i, ctypes.byref(column))
        return column

    def next(self, n: int) -> int:
        return _lib.nr_bulk_next(self._bulk, n)

    def n_rows(self) -> int:
        return _lib.nr_bulk_rows(self._bulk)

    def data(self, i: int) -> bytes:
        size = ctypes.c_size_t()
        data = _lib.nr_bulk_data(self._bulk, i, ctypes.byref(size))
        return ctypes.string_at(data, size.value) if size.value else b""


# ---- times ----

_NS = 1_000_000_000
_UTC = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(?:[Zz]|([+-])(\d\d):(\d\d))?)?"
)
_DAY = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?")
_DISTANCE = re.compile(r"(-?)(\d+\.?\d*|\.\d+)(ms|s|m|h|)")
_UNITS_MS = {"ms": 1, "s": 1e3, "": 1e3, "m": 6e4, "h": 3.6e6}


def _fraction(text: Optional[str]) -> int:
    return int((text or ".0")[1:10].ljust(9, "0"))


def _utc(match: "re.Match[str]") -> int:
    year, month, day, hour, minute, second = (int(match[i] or 0) for i in range(1, 7))
    datetime.date(year, month, day)
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("no such time")
    zone = int(match[9] or 0) * 3600 + int(match[10] or 0) * 60
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    return (seconds + (zone if match[8] == "-" else -zone)) * _NS + _fraction(match[7])


def _nearest_day(match: "re.Match[str]", first: int, last: int) -> int:
    """The first of these local times of day between first and last, or the nearest one. ns since 1970."""
    hour, minute, second = (int(match[i] or 0) for i in range(1, 4))
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("no such time")
    day = time.localtime(first // _NS)
    times = []
    for days in (-1, 0, 1):
        local = (day.tm_year, day.tm_mon, day.tm_mday + days, hour, minute, second, 0, 0, -1)
        times.append(int(time.mktime(local)) * _NS + _fraction(match[4]))
    return min(times, key=lambda at: max(first - at, at - last, 0))


def _distance(match: "re.Match[str]") -> int:
    ms = float(match[2]) * _UNITS_MS[match[3]]
    seconds = int(ms / 1e3)
    return seconds * _NS + int((ms - seconds * 1e3) * 1e6 + 0.5)


def _datetime(at: datetime.datetime) -> int:
    past = at.astimezone(datetime.timezone.utc) - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return (past.days * 86400 + past.seconds) * _NS + past.microseconds * 1000


def _text_time(text: str, after: int, span: Tuple[int, int], clock_offset: int) -> int:
    match = _UTC.fullmatch(text)
    if match:
        return _utc(match) - clock_offset
    match = _DAY.fullmatch(text)
    if match:
        return _nearest_day(match, after + clock_offset, span[1] + clock_offset) - clock_offset
    match = _DISTANCE.fullmatch(text)
    if match:
        return span[1] - _distance(match) if match[1] else span[0] + _distance(match)
    raise ValueError("no such form")


def _resolve(at: Time, after: int, span: Tuple[int, int], clock_offset: int) -> int:
    """A time of the trace, ns of CLOCK_MONOTONIC. after: what a time of day may not precede."""
    try:
        if isinstance(at, datetime.datetime):
            return _datetime(at) - clock_offset
        if isinstance(at, str):
            return _text_time(at, after, span, clock_offset)
        return operator.index(at)  # also numpy's integers
    except (TypeError, ValueError, OverflowError):
        raise Error(
            f'invalid time {at!r}: give UTC as in "2026-11-29T08:00:00.5Z", time since the start of the '
            'trace as in "12.5", "90s" or "10m", time before its end as in "-10s", an event\'s ts, or a '
            "datetime",
            errno.EINVAL,
        ) from None


def _utc_text(ns: int) -> str:
    day = time.gmtime(ns // _NS)
    return time.strftime("%Y-%m-%dT%H:%M:%S", day) + f".{ns % _NS:09}Z"


def _window(
    begin: Optional[Time], end: Optional[Time], span: Tuple[int, int], clock_offset: int, path: str
) -> Tuple[int, int]:
    first = span[0] if begin is None else _resolve(begin, span[0], span, clock_offset)
    last = 2**64 - 1 if end is None else _resolve(end, max(first, span[0]), span, clock_offset)
    first, last = (min(max(at, 0), 2**64 - 1) for at in (first, last))
    wrong = ""
    if first > span[1]:
        wrong = f"begin {begin!r} is after the end"
    elif last <= span[0]:
        wrong = f"end {end!r} is not after the start"
    elif first >= last:
        wrong = f"begin {begin!r} is not before end {end!r}"
    if wrong:
        times = " to ".join(_utc_text(at + clock_offset) for at in span)
        raise Error(f"{wrong}: {path} spans {times}", errno.EINVAL)
    return first, last


# ---- how a trace ended ----


def _count(n: int, noun: str, what: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'} {what}" if n else ""


def _chunk_problems(mark: _EndMark, path: str) -> List[str]:
    """What a chunk lacks that was opened alone, or a series that has lost chunks."""
    alone = (mark.rotated or mark.chunk) and os.path.exists(os.path.join(path, "metadata"))
    earlier = _count(mark.earlier, "event", "before it are in other chunks")
    if not alone:
        return [
            _count(mark.earlier, "earlier event", "removed"),
            "the recording went on in the next chunk, which is missing" if mark.rotated else "",
        ]
    return [earlier and "the " + earlier, "the recording went on in the next chunk" if mark.rotated else ""]


def _end_problems(mark: _EndMark, packet: _Packet, path: str) -> List[str]:
    missed = packet.missed_packets - packet.damaged_packets
    problems = _chunk_problems(mark, path)
    if mark.repaired:
        problems.append("repaired: events after the last whole packet are unknown")
    elif mark.error:
        problems.append(f"the recording ended with an error: {os.strerror(-mark.error)}")
    problems.append(_count(mark.unwritten, "record", "not written"))
    problems.append(_count(mark.unaccounted, "record", "unaccounted for"))
    if missed:
        events = _count(packet.missed_events, "event", "") or "0 events "
        packets = _count(missed, "packet", "").strip()
        problems.append(f"this optional output fell behind and missed {events}in {packets}")
    problems.append(_count(packet.damaged_packets, "packet", "missing because of damage"))
    return [problem for problem in problems if problem]


_ENDS = {
    -errno.EBUSY: "it is still being recorded; more events may follow",
    -errno.EOPNOTSUPP: "traces of format 1.0 have no end mark",
}
_KILLED = "it has no end mark: the recorder was killed, or the machine or the disk failed"


def _account(reader: _Reader, error: int) -> Account:
    """error: what ended reading."""
    found = _lib.nr_trace_packet(reader.handle)
    packet = found.contents if found else _Packet()
    mark = _EndMark(sz=ctypes.sizeof(_EndMark))
    result = _lib.nr_trace_end(reader.handle, ctypes.byref(mark))
    if error == -errno.EBADMSG:
        problem = "the stream is damaged"
    elif error:
        problem = f"cannot read the stream: {os.strerror(-error)}"
    elif result:
        problem = _ENDS.get(result, _KILLED)
    else:
        problem = "; ".join(_end_problems(mark, packet, reader.dir))
    return Account(
        not problem,
        problem,
        packet.lost - packet.lost_before,
        packet.missed_events,
        packet.damaged_packets,
        *(getattr(mark, name) for name in Account._fields[5:]),
    )


# ---- columns ----


def _join(column: _Column, parts: List[Any]) -> Any:
    """Makes one column of the parts that were read."""
    if column.kind == _ARRAY:
        return _objects([value for part in parts for value in part])
    return (_list_numbers if numpy is None else _numpy_numbers)(column, b"".join(parts))


def _objects(values: List[Any]) -> Any:
    if numpy is None:
        return values
    objects = numpy.empty(len(values), dtype=object)
    objects[:] = values
    return objects


def _numpy_numbers(column: _Column, data: bytes) -> Any:
    code = "?" if column.is_bool else {_UINT: "u", _INT: "i", _FLOAT: "f"}[column.kind] + str(column.bytes)
    numbers = numpy.frombuffer(bytearray(data), dtype=code)
    return numbers.reshape(-1, column.count) if column.is_array else numbers


def _list_numbers(column: _Column, data: bytes) -> Any:
    codes = {_UINT: {1: "B", 2: "H", 4: "I", 8: "Q"}, _INT: {1: "b", 2: "h", 4: "i", 8: "q"}}
    codes[_FLOAT] = {4: "f", 8: "d"}
    numbers: Any = array.array(codes[column.kind][column.bytes], data)
    if column.is_bool:
        numbers = [number != 0 for number in numbers]
    if not column.is_array:
        return numbers
    return [list(numbers[i : i + column.count]) for i in range(0, len(numbers), column.count)]


# ---- types ----


def _kind_text(field: _Field) -> str:
    kinds = {_UINT: f"uint{field.bits}", _INT: f"int{field.bits}", _FLOAT: f"float{field.bits}"}
    if field.kind == _TEXT:
        return "text"
    if field.kind == _ARRAY:
        element = "struct" if field.elem_kind == _STRUCT else kinds.get(field.elem_kind, "array")
        return f"{element}[]" if field.is_tail else f"{element}[{field.count}]"
    if field.is_bool or field.is_enum:
        return "bool" if field.is_bool else "enum"
    return "pointer" if field.is_pointer else kinds[field.kind]


def _fields(types: int, number: int, parent: Optional[_Field] = None, path: str = "") -> Dict[str, str]:
    fields: Dict[str, str] = {}
    i = 0
    while True:
        field = _Field(sz=ctypes.sizeof(_Field))
        above = ctypes.byref(parent) if parent is not None else None
        if _lib.nr_types_field_at(types, number, above, i, ctypes.byref(field)):
            return fields
        name = path + field.name.decode()
        if field.kind == _STRUCT:
            fields.update(_fields(types, number, field, name + "."))
        else:
            fields[name] = _kind_text(field)
        i += 1


class Trace:
    """A trace that numaring recorded. Make it with open().

    Each iteration reads the trace anew, from begin to end, and several may run at once, also in
    different threads. A with statement or close() closes the files.
    """

    def __init__(
        self,
        path: Union[str, "os.PathLike[str]"],
        filter: Optional[str] = None,
        begin: Optional[Time] = None,
        end: Optional[Time] = None,
        skip_damaged: bool = False,
    ) -> None:
        self.path: str = os.path.abspath(os.fspath(path))
        self._skip_damaged, self._filter, self._begin, self._end = skip_damaged, filter, begin, end
        self._own = self._read()
        self._numbers: Dict[str, int] = {}

        def add(_context: Any, number: int, name: bytes) -> int:
            self._numbers.setdefault(name.decode(), number)
            return 0

        _lib.nr_types_each(self._own.types, _EachFn(add), None)

    def _read(self) -> _Reader:
        reader = _Reader(self)
        try:
            reader.limit(self._begin, self._end)
            reader.filter(self._filter)
        except BaseException:
            reader.close()
            raise
        return reader

    def _opened(self) -> _Reader:
        if not self._own.handle:
            raise ValueError(f"{self.path} is closed")
        return self._own

    def __enter__(self) -> "Trace":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<numaring.Trace {self.path!r}>"

    def close(self) -> None:
        """Closes the trace. Iterations that have begun go on."""
        self._own.close()

    @property
    def types(self) -> Dict[str, Dict[str, str]]:
        """The event types: for each its fields, by path, and what they hold ("int32", "enum", "text")."""
        types = self._opened().types
        return {name: _fields(types, number) for name, number in self._numbers.items()}

    @property
    def span(self) -> Tuple[int, int]:
        """The first and the last time of the whole trace, ns of CLOCK_MONOTONIC; (0, 0) if it is empty."""
        return self._opened().span() or (0, 0)

    @property
    def clock_offset(self) -> int:
        """The ns to add to a ts to get ns since 1970, UTC."""
        return self._opened().clock_offset

    @property
    def recorded_filter(self) -> Optional[str]:
        """The filter of the recording, whose other events are not in the trace."""
        text = _lib.nr_trace_filter(self._opened().handle)
        return None if text is None else text.decode("utf-8", "replace")

    def account(self) -> Account:
        """Reads the whole trace, whatever filter, begin and end are, and says what is missing in it."""
        with _Reader(self, quiet=True) as reader:
            reader.rows(names=["cpu"])
            result = 1
            while result > 0:
                result = reader.next(_ROWS)
            return _account(reader, result)

    @property
    def complete(self) -> bool:
        """Are all events of the recording in the trace? account() says why not."""
        return self.account().complete

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        """The events in their order, as dicts with the members of `numaring cat --json`.

        Events before damage come first; then it is an Error.
        """
        self._opened()
        return self._events()

    def _events(self) -> Iterator[Dict[str, Any]]:
        with self._read() as reader:
            reader.rows()
            result = 1
            while result > 0:
                result = reader.next(_BATCH)
                if reader.n_rows():
                    # The library makes the pickle, of values of the basic types only.
                    yield from pickle.loads(reader.data(0))
                if result > 0:
                    reader.check(0, "")
            reader.check(result, "cannot read")

    def columns(
        self, type: Optional[str] = None, names: Optional[Sequence[str]] = None
    ) -> Dict[str, Any]:
        """Values of all events of a type, a column for each name, in the order of the events.

        Names are those of the event ("ts", "cpu", "lost", "late", "time", "event") and paths of its
        fields ("pos.x", "fields.cpu"); without names, ts, cpu and all fields. Without a type, the
        columns are those of all events.

        Numbers, bools and arrays of them become a numpy array, with a second dimension for arrays.
        Everything else has the values of events: a numpy array of objects. Without numpy, numbers
        are an array.array, and everything else is a list. Where a payload is too short for a field, a
        number is 0, anything else None.
        """
        if names is None:
            names = ["ts", "cpu"] + self._all_fields(type)
        if isinstance(names, str):
            names = [names]
        names = list(names)
        self._opened()
        with self._read() as reader:
            reader.rows(type, names or ["cpu"])
            columns = [reader.column(i) for i in range(len(names))]
            parts: List[List[Any]] = [[] for _ in names]
            result = 1
            while result > 0:
                result = reader.next(_ROWS)
                for i, column in enumerate(columns):
                    data = reader.data(i)
                    parts[i].append(pickle.loads(data) if column.kind == _ARRAY else data)
            reader.check(result, "cannot read")
        return {name: _join(*of) for name, *of in zip(names, columns, parts)}

    def _all_fields(self, event_type: Optional[str]) -> List[str]:
        own = ("ts", "cpu", "lost", "late", "time", "event")
        number = self._numbers.get(event_type) if event_type is not None else None
        if number is None:
            return [] if event_type is None else ["ts"]
        paths = _fields(self._opened().types, number)
        return ["fields." + path if path in own else path for path in paths]


def open(
    path: Union[str, "os.PathLike[str]"],
    *,
    filter: Optional[str] = None,
    begin: Optional[Time] = None,
    end: Optional[Time] = None,
    skip_damaged: bool = False,
) -> Trace:
    """Opens a trace: the directory that `numaring record -o` wrote.

    filter: only events that match, an expression as --filter takes it (docs/filters.md).
    begin, end: only events with begin <= ts < end.
    skip_damaged: go on behind damage, with a TraceWarning for each damaged place. Otherwise the first one
    is an Error, after all events before it.
    """
    return Trace(path, filter, begin, end, skip_damaged)
