// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node query.mjs DIR: runs the SQL on standard input with DuckDB, in the directory DIR. Prints a line with the names of
// the columns and one for each row, for each statement that has a result.
import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const sql = readFileSync(0, 'utf8');
process.chdir(process.argv[2]);
const connection = await (await DuckDBInstance.create(':memory:')).connect();
const statements = await connection.extractStatements(sql);

for (let i = 0; i < statements.count; i++) {
	const prepared = await statements.prepare(i);
	const result = await prepared.runAndReadAll();
	console.log(result.columnNames().join(' | '));
	for (const row of result.getRows())
		console.log(row.map((v) => (v === null ? '' : String(v))).join(' | '));
}
