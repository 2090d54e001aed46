# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What `cmake --install` puts where. Everything finds everything else by relative paths: the prefix may
# be moved as a whole, and no ldconfig is needed. (But by a program with file capabilities, from setcap:
# the loader does not follow $ORIGIN for it. Ambient capabilities are what it should be given.)
# There are four components, which cmake/packages.cmake makes packages of: tool, library, dev and python.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/numaring)
file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr") # where the loader looks by itself
	set(rpath_of_programs "$ORIGIN/${bin_to_lib}")
endif()
set(NR_INSTALL_RPATH "${rpath_of_programs}" PARENT_SCOPE) # for bench
set_target_properties(numaring_cli PROPERTIES INSTALL_RPATH "${rpath_of_programs}")
target_include_directories(numaring INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

install(TARGETS numaring EXPORT numaring LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	COMPONENT library NAMELINK_COMPONENT dev)
install(TARGETS numaring_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tool)

# Headers: for user space, and for BPF programs, which include them by the same <numaring/...>.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/numaring DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
	COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/bpf/numaring.bpf.h ${PROJECT_SOURCE_DIR}/bpf/lane.bpf.h
	${PROJECT_SOURCE_DIR}/bpf/stack.bpf.h
	${PROJECT_SOURCE_DIR}/bpf/vmlinux.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/numaring COMPONENT dev)

# For find_package(numaring): the target numaring::numaring.
install(EXPORT numaring NAMESPACE numaring:: FILE numaring-targets.cmake DESTINATION ${package_dir}
	COMPONENT dev)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/numaring-config.cmake.in
	${CMAKE_CURRENT_BINARY_DIR}/numaring-config.cmake INSTALL_DESTINATION ${package_dir}
	NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/numaring-config-version.cmake
	COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/numaring-config.cmake
	${CMAKE_CURRENT_BINARY_DIR}/numaring-config-version.cmake
	DESTINATION ${package_dir} COMPONENT dev)

# For pkg-config.
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH pc_to_include ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
	${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(${CMAKE_CURRENT_LIST_DIR}/numaring.pc.in ${CMAKE_CURRENT_BINARY_DIR}/numaring.pc
	@ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/numaring.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
	COMPONENT dev)

# The Python module. Debian's Python looks in one directory for all of its versions.
if(EXISTS /etc/debian_version)
	set(python_dir lib/python3/dist-packages)
else()
	execute_process(COMMAND python3 -c "import sys; print('python%d.%d' % sys.version_info[:2])"
		OUTPUT_VARIABLE python_version OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
	set(python_dir lib/${python_version}/site-packages)
endif()
set(NR_PYTHON_DIR ${python_dir} PARENT_SCOPE) # for packages, as below
install(FILES ${PROJECT_SOURCE_DIR}/python/numaring.py DESTINATION ${python_dir} COMPONENT python)

# Completion. Debian's zsh looks for that of packages elsewhere.
set(zsh_dir ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
	set(zsh_dir ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
endif()
set(NR_ZSH_DIR ${zsh_dir} PARENT_SCOPE)
foreach(program numaring numaring-bench)
	install(FILES ${PROJECT_SOURCE_DIR}/packaging/completion/numaring.bash RENAME ${program}
		DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tool)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/packaging/completion/_numaring DESTINATION ${zsh_dir} COMPONENT tool)

# For systemd; not enabled.
configure_file(${PROJECT_SOURCE_DIR}/packaging/numaring.service.in numaring.service @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/numaring.service DESTINATION lib/systemd/system COMPONENT tool)

# The documentation and the licence. The sources of the examples; what somebody built in their folders
# stays behind.
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE
	DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tool)
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT tool)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/examples DESTINATION ${CMAKE_INSTALL_DOCDIR}
	COMPONENT dev FILES_MATCHING PATTERN "*.[ch]" PATTERN Makefile PATTERN "*.md")
