// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All reports. They use report.c, so the list is not there. */
#include <string.h>
#include "report.h"

extern const struct report report_offcpu, report_runq, report_wakeups, report_syscalls, report_irq,
	report_io, report_net, report_faults, report_profile;

static const struct report *const all[] = {
	&report_offcpu, &report_runq, &report_wakeups, &report_syscalls, &report_irq,
	&report_io,	&report_net,  &report_faults,  &report_profile,
};

const struct report *report_at(unsigned i)
{
	return i < sizeof(all) / sizeof(all[0]) ? all[i] : NULL;
}

const struct report *report_find(const char *name)
{
	const struct report *r;

	for (unsigned i = 0; (r = report_at(i)); i++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}
