// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the Parquet files of an export with three readers, and compares every value with `numaring cat --json`:
//   node compare.mjs PARQUET-DIR CSV-DIR <JSON-LINES
// JSON has no NaN and no infinity, so floats are compared with the CSV files.
import { createRequire } from 'node:module';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetReadObjects, parquetMetadata } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { tableFromIPC } from 'apache-arrow';

// The package's own build for node loads its module by itself.
const { readParquet } = createRequire(import.meta.url)('parquet-wasm/node');

const [parquetDir, csvDir] = process.argv.slice(2);
let failures = 0;

function fail(what) {
	if (++failures <= 20)
		console.error(`FAILED: ${what}`);
}

// ---- what is expected ----

const plain = (name) => Array.from(Buffer.from(name), (c) =>
	/[0-9A-Za-z_]/.test(String.fromCharCode(c)) ? String.fromCharCode(c) : '-').join('');

// The rows of each file by their order in the trace.
async function readEvents() {
	const byName = new Map();
	for await (const line of createInterface({ input: process.stdin })) {
		const ev = JSON.parse(line);
		if (!byName.has(ev.event))
			byName.set(ev.event, []);
		byName.get(ev.event).push(ev);
	}
	return byName;
}

// One record of CSV after another, as arrays of cells.
function parseCsv(text) {
	const rows = [];
	let row = [], cell = '', quoted = false;
	for (let i = 0; i < text.length; i++) {
		const c = text[i];
		if (quoted && c === '"' && text[i + 1] === '"')
			cell += text[++i];
		else if (c === '"')
			quoted = !quoted;
		else if (!quoted && c === ',')
			row.push(cell), cell = '';
		else if (!quoted && c === '\n')
			row.push(cell), rows.push(row), row = [], cell = '';
		else
			cell += c;
	}
	return rows;
}

// Columns that every table has; a field with such a name is called field_NAME, and one that has this name, too, ...
const common = ['time', 'cpu', 'lost', 'late'];

function columnOf(field, fields) {
	let name = common.includes(field) ? `field_${field}` : field;
	while (name !== field && name in fields)
		name += '_';
	return name;
}

function nanoseconds(time) {
	const [, second, fraction] = /^(.*)\.(\d{9})Z$/.exec(time);
	return BigInt(Date.parse(`${second}Z`)) * 1000000n + BigInt(fraction);
}

function expectedRow(ev) {
	const row = { time: nanoseconds(ev.time), cpu: ev.cpu, lost: ev.lost, late: ev.late_ts ?? null };
	for (const [field, value] of Object.entries(ev.fields))
		row[columnOf(field, ev.fields)] = value;
	return row;
}

// ---- comparing ----

// Bytes that are no UTF-8 are \xHH in Parquet, and the character of that number in JSON.
const unescape = (text) => text.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
const isNumber = (v) => typeof v === 'number' || typeof v === 'bigint';
const textOf = (v) => (Object.is(v, -0) ? '-0' : String(v));

// expected: of JSON; got: of a reader.
function same(expected, got) {
	if (expected === undefined || expected === null)
		return got === null || got === undefined || (typeof got === 'object' && !(got instanceof Uint8Array) &&
			!Array.isArray(got) && Object.values(got).every((v) => same(null, v)));
	if (got instanceof Uint8Array)
		return expected === Buffer.from(got).toString('hex');
	if (Array.isArray(expected)) {
		const list = typeof got === 'string' ? JSON.parse(got) : got;
		return Array.isArray(list) && list.length === expected.length && expected.every((v, i) => same(v, list[i]));
	}
	if (typeof expected === 'object')
		return got !== null && typeof got === 'object' && Object.keys(got).every((k) => same(expected[k], got[k])) &&
			Object.keys(expected).every((k) => k in got);
	if (isNumber(got) && /^0x/.test(expected))
		return BigInt(expected) === BigInt(got);
	if (isNumber(got))
		return textOf(got) === textOf(expected);
	return typeof got === 'string' ? unescape(got) === textOf(expected) : got === expected;
}

const show = (v) => JSON.stringify(v, (_, x) => (typeof x === 'bigint' ? `${x}` : x));

function sameFloat(cell, got) {
	if (cell === '')
		return got === null;
	const value = { nan: NaN, '-nan': NaN, inf: Infinity, '-inf': -Infinity }[cell] ?? Number(cell);
	return Object.is(got, value) || Object.is(got, Math.fround(value));
}

function compare(reader, file, events, csv, rows) {
	const floats = csv[0].map((name, i) => [name, i]).filter(([name]) => /^f(32|64)$/.test(name));
	if (rows.length !== events.length)
		fail(`${reader}, ${file}: ${rows.length} rows, expected ${events.length}`);
	for (let i = 0; i < events.length && i < rows.length; i++) {
		const want = expectedRow(events[i]), row = rows[i];
		for (const [name, at] of floats) {
			if (!sameFloat(csv[i + 1][at], row[name]))
				fail(`${reader}, ${file}, row ${i}, ${name}: ${row[name]} is not ${csv[i + 1][at]}`);
			want[name] = row[name];
		}
		for (const name of new Set([...Object.keys(want), ...Object.keys(row)]))
			if (!floats.some(([f]) => f === name) && !same(want[name], row[name]))
				fail(`${reader}, ${file}, row ${i}, ${name}: ${show(row[name])} is not ${show(want[name])}`);
	}
}

// ---- readers: all rows of a file as objects ----

const connection = await (await DuckDBInstance.create(':memory:')).connect();

function fromDuckDB(v) {
	if (v === null || typeof v !== 'object')
		return v;
	if ('nanos' in v || 'nanoseconds' in v)
		return v.nanos ?? v.nanoseconds;
	if ('bytes' in v)
		return new Uint8Array(v.bytes);
	if ('items' in v)
		return v.items.map(fromDuckDB);
	return Object.fromEntries(Object.entries(v.entries).map(([k, x]) => [k, fromDuckDB(x)]));
}

async function duckdb(path) {
	const result = await connection.runAndReadAll(`from read_parquet('${path}')`);
	return result.getRowObjects().map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, fromDuckDB(v)])));
}

async function hyparquet(path) {
	const bytes = readFileSync(path);
	const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
	const parsers = { timestampFromNanoseconds: (nanos) => nanos };
	const rows = await parquetReadObjects({ file, compressors, parsers, utf8: false });
	return rows.map((row) => row);
}

function fromArrow(v) {
	if (v === null || typeof v !== 'object' || v instanceof Uint8Array && !('toArray' in v))
		return v;
	if (ArrayBuffer.isView(v))
		return v;
	if (typeof v.toArray === 'function' && typeof v.toJSON === 'function' && 'length' in v)
		return Array.from(v, fromArrow);
	return Object.fromEntries(Object.entries(v.toJSON()).map(([k, x]) => [k, fromArrow(x)]));
}

async function arrow(path) {
	const table = tableFromIPC(readParquet(readFileSync(path)).intoIPCStream());
	const names = table.schema.fields.map((f) => f.name);
	const columns = table.schema.fields.map((f, i) => arrowColumn(table.getChildAt(i), f));
	return Array.from({ length: table.numRows }, (_, r) => Object.fromEntries(names.map((n, c) => [n, columns[c][r]])));
}

// apache-arrow makes numbers of times, so take their 64 bits.
function arrowColumn(column, field) {
	if (field.name === 'time')
		return column.data.flatMap((data) => Array.from(data.values.subarray(0, data.length)));
	return Array.from(column, fromArrow);
}

// ---- all files ----

const events = await readEvents();
const files = readdirSync(parquetDir).filter((f) => !f.startsWith('.'));
let rows = 0, groups = 0;

for (const file of files) {
	const path = `${parquetDir}/${file}`, base = file.replace(/\.parquet$/, '');
	const bytes = readFileSync(path);
	const meta = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
	const event = meta.key_value_metadata.find((kv) => kv.key === 'numaring.event').value;
	const csv = parseCsv(readFileSync(`${csvDir}/${base}.csv`, 'utf8'));
	if (base.replace(/-\d+$/, '') !== plain(event).replace(/-\d+$/, ''))
		fail(`${file} has the events ${event}`);
	if (csv.length !== events.get(event)?.length + 1)
		fail(`${base}.csv: ${csv.length - 1} rows, expected ${events.get(event)?.length}`);
	for (const reader of [duckdb, hyparquet, arrow])
		compare(reader.name, file, events.get(event) ?? [], csv, await reader(path));
	rows += Number(meta.num_rows);
	groups = Math.max(groups, meta.row_groups.length);
	events.delete(event);
}
for (const event of events.keys())
	fail(`no file has the events ${event}`);
console.log(`${files.length} files, ${rows} rows, up to ${groups} row groups, ${failures} differences`);
process.exit(failures ? 1 : 0);
