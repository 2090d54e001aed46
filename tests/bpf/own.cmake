# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
add_executable(own own.c)
target_link_libraries(own PRIVATE nr_flags numaring PkgConfig::JANSSON)
nr_bpf_test(own own.sh 400)

nr_bpf_object(own_stacks own_stacks.bpf.c)
add_dependencies(load own_stacks_bpf_object) # own_stacks.sh finds it next to load
nr_bpf_test(own_stacks own_stacks.sh 100)

add_executable(fields fields.c)
target_link_libraries(fields PRIVATE nr_flags PkgConfig::BPF)
nr_bpf_test(tools tools.sh 300)
