# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The manual pages, from docs/man.
if(NOT NR_SCDOC)
	message(STATUS "scdoc is not installed: the manual pages are left out")
	return()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.scd)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WLE)
	string(REGEX MATCH "[0-9]$" section ${name})
	set(page ${PROJECT_BINARY_DIR}/man/${name}.gz)
	add_custom_command(OUTPUT ${page} COMMAND sh -c "\"$1\" <\"$2\" | gzip -9n >\"$3\"" sh
		${NR_SCDOC} ${source} ${page} DEPENDS ${source} COMMENT "Manual page ${name}" VERBATIM)
	list(APPEND pages ${page})
	if(section EQUAL 3)
		set(component dev)
	else()
		set(component tool)
	endif()
	install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endforeach()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man)
add_custom_target(man ALL DEPENDS ${pages})
