// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A user of the installed package, in C++17: lists the sources and opens a directory that is no trace. */
#include <cerrno>
#include <iostream>
#include <numaring/numaring.h>

static int on_batch(void *ctx, const nr_batch *batch)
{
	nr_batch_for_each (ev, batch)
		*static_cast<uint64_t *>(ctx) += ev->size;
	return 0;
}

int main()
{
	nr_trace_opts opts{};
	nr_trace *trace = nullptr;
	nr_event events[2]{};
	nr_batch batch{ events, 2 };
	uint64_t bytes = 0;

	opts.sz = sizeof(opts);
	events[1].size = 7;
	for (unsigned i = 0; nr_source_name(i); i++)
		std::cout << nr_source_name(i) << ": " << nr_source_about(i) << '\n';
	return on_batch(&bytes, &batch) == 0 && bytes == 7 &&
			       nr_trace_open(&trace, "there/is/none", &opts) == -ENOENT ?
		       0 :
		       1;
}
