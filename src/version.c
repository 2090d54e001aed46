// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <numaring/version.h>

unsigned nr_version(void)
{
	return NR_VERSION;
}

const char *nr_version_string(void)
{
	return NR_VERSION_STRING;
}
