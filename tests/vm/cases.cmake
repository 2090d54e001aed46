# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The collector on machines that we do not have. Booting takes longer than checking, so cases are grouped by
# machine.
add_executable(vm_check check.c crew.c place.c sys.c)
set_target_properties(vm_check PROPERTIES OUTPUT_NAME check)
target_link_libraries(vm_check PRIVATE nr_flags numaring PkgConfig::BPF)
add_executable(vm_fill fill.c)
set_target_properties(vm_fill PROPERTIES OUTPUT_NAME fill)
target_link_libraries(vm_fill PRIVATE nr_flags PkgConfig::BPF)

# The library goes to a place where every loader looks, because the guest may hide the build tree's path.
set(programs PROGRAMS $<TARGET_FILE:vm_check> $<TARGET_FILE:vm_fill> $<TARGET_FILE:numaring_cli>)
set(library --copy $<TARGET_FILE:numaring>:/lib/$<TARGET_SONAME_FILE_NAME:numaring>)

nr_vm_case(collect-4x4 4 4 ${cases}/collect TIMEOUT 1520 ${programs}
	OPTIONS ${library} --offline-at-boot 6 --distances 0-3=12,1-2=13,1-3=17,2-3=18)
nr_vm_case(collect-8x16 8 16 ${cases}/big TIMEOUT 2720 ${programs} $<TARGET_FILE:numaring_bench>
	OPTIONS ${library} --copy ${cases}/boot --copy ${cases}/bench)
nr_vm_case(collect-isolated 2 4 ${cases}/isolated TIMEOUT 920 ${programs}
	OPTIONS ${library} --append nohz_full=1-3,5-7 --append isolcpus=1-3,5-7)
# Node 1 has no CPUs, node 2 does not exist, node 3 has no memory.
set(odd --cpuless 1 --memless 2 --cpuless 2 --memless 3)
nr_vm_case(collect-odd 5 2 ${cases}/odd TIMEOUT 920 ${programs} ARGS 4
	OPTIONS ${library} ${odd} --distances 0-3=25,3-4=15,1-3=21)
nr_vm_case(collect-odd-far 5 2 ${cases}/odd TIMEOUT 920 ${programs} ARGS 1
	OPTIONS ${library} ${odd} --distances 0-3=25,3-4=25,1-3=15)
nr_vm_case(collect-1x2 1 2 ${cases}/one TIMEOUT 620 ${programs} OPTIONS ${library})
# Against stale translations (README.md).
set(one_thread --thread single)
nr_vm_case(stacks 1 2 ${cases}/stacks TIMEOUT 320 ${programs} PROGRAMS $<TARGET_FILE:hot> OPTIONS ${library} ${one_thread})
nr_vm_case(sources 2 1 ${cases}/sources TIMEOUT 320 ${programs} OPTIONS ${library} ${one_thread})
nr_vm_case(answers 2 2 ${cases}/answers TIMEOUT 320 ${programs} $<TARGET_FILE:block> OPTIONS ${library} ${one_thread})
nr_vm_case(filter 1 2 ${cases}/filter TIMEOUT 320 ${programs} $<TARGET_FILE:chosen> OPTIONS ${library} ${one_thread})
nr_vm_case(doctor 3 1 ${cases}/doctor TIMEOUT 1220 ${programs} /usr/bin/setpriv /usr/bin/unshare
	OPTIONS ${library} ${one_thread} --memless 2)
nr_vm_case(tracepoints 1 2 ${cases}/tracepoints TIMEOUT 620 ${programs} OPTIONS ${library} ${one_thread})

# Without sys/sdt.h of SystemTap there is no program with a USDT probe.
find_path(NR_SDT sys/sdt.h)
if(NR_SDT)
	add_executable(vm_probed probed.c)
	set_target_properties(vm_probed PROPERTIES OUTPUT_NAME probed)
	target_link_libraries(vm_probed PRIVATE nr_flags)
	target_compile_options(vm_probed PRIVATE -O2)
	nr_vm_case(probes 1 1 ${cases}/probes TIMEOUT 320 ${programs} $<TARGET_FILE:vm_probed>
		OPTIONS ${library} ${one_thread})
	nr_vm_case(attach 1 1 ${cases}/attach TIMEOUT 320 ${programs} $<TARGET_FILE:vm_probed>
		OPTIONS ${library} ${one_thread} --copy $<TARGET_FILE_DIR:load>/attached.bpf.o
			--module net/sched/cls_bpf --module net/sched/sch_ingress)
else()
	add_test(NAME vm/probes COMMAND sh -c "echo 'skipped: no sys/sdt.h: install systemtap-sdt-dev'; exit 77")
	set_tests_properties(vm/probes PROPERTIES SKIP_RETURN_CODE 77 LABELS vm)
endif()
add_executable(vm_drift drift.c)
set_target_properties(vm_drift PROPERTIES OUTPUT_NAME drift)
target_link_libraries(vm_drift PRIVATE nr_flags)
nr_vm_case(numa 2 2 ${cases}/numa TIMEOUT 320 ${programs} $<TARGET_FILE:vm_drift>
	OPTIONS ${library} ${one_thread} --mem 512)
find_program(NR_TMUX tmux)
find_file(NR_TERMINFO s/screen PATHS /lib/terminfo /usr/share/terminfo)
find_path(NR_LOCALE C.utf8 PATHS /usr/lib/locale)
if(NR_TMUX AND NR_TERMINFO AND NR_LOCALE)
	nr_vm_case(top 2 32 ${cases}/top TIMEOUT 1820 ${programs} ${NR_TMUX} OPTIONS ${library}
		--copy ${NR_TERMINFO}:/terminfo/s/screen --copy ${NR_LOCALE}/C.utf8:/usr/lib/locale/C.utf8)
endif()

# The same checks on this host, with any kernel and any number of nodes. They take no CPUs offline, because the
# host is not ours. The rings are large, because the host may be busy.
function(nr_host_check name)
	add_test(NAME bpf/${name} COMMAND vm_check --ring-size 32768 ${ARGN})
	set_tests_properties(bpf/${name} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77 RUN_SERIAL TRUE)
endfunction()
nr_host_check(check --shards single,package,node,llc,cpu,node/2 --order fence,rcu begin:all look wait token)
nr_host_check(check-lanes --transport lane --shards single,node,cpu --order fence,rcu begin:all look wait token)
nr_host_check(check-one-cpu --shards node,cpu --order fence,rcu load:0 look)
nr_host_check(check-named --shards node,cpu --consumer-cpus 0 begin:all look wait)
