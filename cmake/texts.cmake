# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# nr_texts(PREFIX DIRECTORY): makes PREFIX_texts.c in the current binary directory: each file of DIRECTORY as a
# string. report.html becomes PREFIX_report_html.
function(nr_texts prefix directory)
	file(GLOB texts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${directory}/*)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${texts})
	foreach(text ${texts})
		get_filename_component(name ${text} NAME)
		string(MAKE_C_IDENTIFIER ${prefix}_${name} name)
		file(READ ${text} bytes HEX)
		string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
		string(APPEND strings "extern const char ${name}[];\nconst char ${name}[] = {${bytes}0};\n")
	endforeach()
	file(GENERATE OUTPUT ${prefix}_texts.c CONTENT "${strings}")
endfunction()
