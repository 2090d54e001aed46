# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	printf '#include <numaring/numaring.h>\nint main(void)\n{\n\treturn !nr_version();\n}\n' >live.c
}
