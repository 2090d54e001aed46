# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# rooms.awk docs/architecture.md SOURCES...: see rooms. Who uses whom, rooms and headers, goes to the file `edges`
# in the form that circles.awk reads.
BEGIN {
	for (i = 2; i < ARGC; i++)
		known[ARGV[i]]

	# The first that matches names the library of a <header>.
	library("files", "(fcntl|dirent|mntent|sys/stat|sys/vfs)\\.h")
	library("BTF", "(bpf|linux)/btf\\.h")
	library("BPF", "bpf/(bpf_|usdt\\.bpf).*")
	library("libbpf", "bpf/.*")
	library("libnuma", "numa(if)?\\.h")
	library("hwloc", "hwloc.*")
	library("libelf", "(libelf|gelf)\\.h")
	library("libdeflate", "libdeflate\\.h")
	library("libzstd", "zstd(_errors)?\\.h")
	library("libseccomp", "seccomp\\.h")
	library("ncurses", "curses\\.h")
	library("jansson", "jansson\\.h")
	library("protobuf-c", ".*\\.pb-c\\.h")
	library("uthash", "uthash\\.h")
	library("NLopt", "nlopt\\.h")
	library("skeletons", ".*\\.skel\\.h")
	library("libc", "(argp|cpuid|ctype|dlfcn|endian|err|errno|fnmatch|grp|inttypes|libgen|limits|locale|math|obstack|poll|pthread|regex|sched|search|semaphore)\\.h")
	library("libc", "(linux|net|sys|asm-generic)/.*")
	library("libc", "(signal|spawn|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|time|unistd)\\.h")
}

function library(name, pattern) {
	library_name[++n_libraries] = name
	library_pattern[n_libraries] = "^" pattern "$"
}

function library_of(header,    i) {
	for (i = 1; i <= n_libraries; i++)
		if (header ~ library_pattern[i])
			return library_name[i]
	return ""
}

function is_library(name,    i) {
	for (i = 1; i <= n_libraries; i++)
		if (library_name[i] == name)
			return 1
	return 0
}

function complain(text) {
	print text
	failed = 1
}

# The row a file belongs to: its own, or the nearest directory's. A directory in src/ needs a row. Tests are one room
# wherever they are.
function room_of(file) {
	if (file ~ /\/tests\//)
		return "tests"
	while (!(file in uses)) {
		if (file !~ /\// || (file ~ /^src\/[^\/]*$/ && file !~ /\.[ch]$/))
			return ""
		sub(/\/[^\/]*$/, "", file)
	}
	return file
}

function short(room) {
	sub(/.*\//, "", room)
	return room
}

# The file that an include means: beside the one that has it, or where the compiler looks.
function find(file, header,    n, places, i, path) {
	sub(/\/[^\/]*$/, "", file)
	n = split(file " src bpf include", places, " ")
	for (i = 1; i <= n; i++) {
		path = places[i] "/" header
		while (sub(/[^\/]+\/\.\.\//, "", path))
			;
		if (path in known)
			return path
	}
	return ""
}

# Whether the row of a room has a name, of a room or library, or the path of a header.
function granted(room, name, path,    n, names, i) {
	n = split(uses[room], names, ", ")
	for (i = 1; i <= n; i++)
		if (names[i] == name || names[i] == path || names[i] == "everything")
			return 1
	return name == "libc" || name == "numaring" || name == short(room)
}

function check(file, header,    room, path, name) {
	room = room_of(file)
	path = find(file, header)
	name = path ? short(room_of(path)) : library_of(header)
	if (path && file ~ /\.h$/)
		print file "\t" path "\t#include" > edges
	if (granted(room, name, path))
		return
	if (name)
		complain(file " includes " header ": " short(room) " may use " (uses[room] ? uses[room] : "only the public API"))
	else
		complain(file " includes " header ", which is in no room and in no library that .ci/rooms.awk lists")
}

# What a row grants exists. Leads to the rooms that it uses.
function check_row(room,    n, names, i, r, used) {
	n = split(uses[room], names, ", ")
	for (i = 1; i <= n; i++) {
		used = names[i] in known ? room_of(names[i]) : ""
		for (r in uses)
			if (short(r) == names[i])
				used = r
		if (used)
			print room "\t" used "\tby the table" > edges
		else if (!is_library(names[i]) && names[i] != "everything")
			complain(ARGV[1] ": " room " may use " names[i] ", which is no room, header or library")
	}
}

NR == FNR && /^## / { table = $0 == "## Rooms" }
NR == FNR && table && /^\| `/ {
	split($0, cell, / *\| */)
	gsub(/`/, "", cell[2])
	uses[cell[2]] = cell[4]
}
NR != FNR && FNR == 1 {
	room = room_of(FILENAME)
	inhabited[room]
	if (!room)
		complain(FILENAME " is in no room of " ARGV[1])
}
NR != FNR && room && /^[ \t]*#[ \t]*include[ \t]*["<]/ {
	split($0, part, /[<>"]/)
	check(FILENAME, part[2])
}
END {
	for (room in uses) {
		check_row(room)
		if (!(room in inhabited))
			complain(ARGV[1] ": nothing is in " room)
	}
	exit failed
}
