// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A user of the installed package, in C++17. `user TRACE` prints the events of a trace as text and counts
 * one column; `user record` counts task switches with a collector. Without arguments it needs neither.
 */
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <numaring/bulk.h>
#include <numaring/numaring.h>
#include <numaring/symbols.h>

using Trace = std::unique_ptr<nr_trace, decltype(&nr_trace_close)>;
using Collector = std::unique_ptr<nr_collector, decltype(&nr_collector_close)>;

static Trace open_trace(const char *dir)
{
	nr_trace_opts opts{};
	nr_trace *trace = nullptr;

	opts.sz = sizeof(opts);
	errno = -nr_trace_open(&trace, dir, &opts);
	return Trace(trace, nr_trace_close);
}

static int print_events(const char *dir)
{
	Trace trace = open_trace(dir);
	nr_event ev;

	while (trace && nr_trace_next(trace.get(), &ev) > 0) {
		const nr_types *types = nr_trace_types(trace.get());
		const char *name = nr_types_name(types, ev.rec->id);
		int n = nr_types_format(types, &ev, NR_FORMAT_TEXT, nullptr, 0);
		std::string text(n > 0 ? n : 0, '\0');

		if (n > 0)
			nr_types_format(types, &ev, NR_FORMAT_TEXT, &text[0], text.size() + 1);
		std::cout << (name ? name : "numaring:raw") << ' ' << text << '\n';
	}
	return trace ? 0 : 1;
}

static int sum_times(const char *dir)
{
	const char *names[] = { "ts" };
	Trace trace = open_trace(dir);
	nr_bulk_opts opts{};
	nr_bulk *bulk = nullptr;
	uint64_t sum = 0;
	int more;

	opts.sz = sizeof(opts);
	opts.columns = names;
	opts.n_columns = 1;
	if (!trace || nr_bulk_new(&bulk, trace.get(), &opts))
		return 1;
	do {
		std::size_t size;

		more = nr_bulk_next(bulk, 100);
		auto ts = static_cast<const uint64_t *>(nr_bulk_data(bulk, 0, &size));
		for (std::size_t i = 0; i < nr_bulk_rows(bulk); i++)
			sum += ts[i];
	} while (more > 0);
	nr_bulk_free(bulk);
	std::cout << "sum " << sum << '\n';
	return more;
}

static int on_batch(void *ctx, const nr_batch *batch)
{
	nr_batch_for_each (ev, batch)
		*static_cast<uint64_t *>(ctx) += ev->size;
	return 0;
}

static int record()
{
	nr_collector *made = nullptr;
	uint64_t bytes = 0;

	if (nr_collector_open(&made, nullptr))
		return 1;
	Collector c(made, nr_collector_close);
	if (nr_collector_add_source(c.get(), "sched") ||
	    nr_collector_add_batch(c.get(), on_batch, &bytes, nullptr) < 0 ||
	    nr_collector_start(c.get()) || nr_collector_stop(c.get()))
		return 1;
	std::cout << bytes << " bytes\n";
	return 0;
}

static int offline()
{
	nr_event events[2]{};
	nr_batch batch{ events, 2, 0 };
	uint64_t bytes = 0;

	events[1].size = 7;
	for (unsigned i = 0; nr_source_name(i); i++)
		std::cout << nr_source_name(i) << ": " << nr_source_about(i) << '\n';
	return on_batch(&bytes, &batch) == 0 && bytes == 7 && !open_trace("there/is/none") &&
			       errno == ENOENT
		       ? 0
		       : 1;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return offline();
	if (!std::strcmp(argv[1], "record"))
		return record();
	return print_events(argv[1]) || sum_times(argv[1]);
}
