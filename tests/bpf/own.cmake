# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
add_executable(own own.c)
target_link_libraries(own PRIVATE nr_flags numaring PkgConfig::JANSSON)
nr_bpf_test(own own.sh 400)

add_executable(fields fields.c)
target_link_libraries(fields PRIVATE nr_flags PkgConfig::BPF)
nr_bpf_test(tools tools.sh 300)
