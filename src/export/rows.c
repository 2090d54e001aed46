// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "rows.h"

int rows_add(struct rows *rows, const struct nr_event *ev)
{
	size_t size = row_size(ev->size);
	struct row *row = (struct row *)bytes_room(&rows->bytes, size);

	if (!row)
		return -ENOMEM;
	row->rec = *ev->rec;
	row->ts = ev->ts;
	row->size = ev->size;
	row->flags = ev->flags;
	memcpy(row->data, ev->data, ev->size);
	bytes_took(&rows->bytes, size);
	rows->n++;
	return 0;
}

void rows_clear(struct rows *rows)
{
	bytes_free(&rows->bytes);
	rows->n = 0;
}
