/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For sources that still look for it here. */
#include "../../topology/counter.h"
