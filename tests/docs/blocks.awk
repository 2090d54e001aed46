# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The commands of a Markdown file. Writes for each block ```sh or ```console, in order, the file NUMBER.sh with
# its commands, and for console NUMBER.out with the output that it shows; for a block with a name, such as
# ```c files.bpf.c, the file NUMBER.sh that makes it. A block may be indented.

function finish() {
	close(script)
	close(shown)
	kind = ""
}

!kind && match($0, /^ *```(sh|console)/) {
	kind = $0
	sub(/^ *```/, "", kind)
	indent = match($0, /`/) - 1
	block = sprintf("%s/%03d", out, ++n)
	script = block ".sh"
	shown = block ".out"
	printf "# %s line %d\n", FILENAME, FNR > script
	if (kind == "console")
		printf "" > shown
	next
}

!kind && match($0, /^ *```[a-z]+ [^ ]+$/) {
	kind = "file"
	indent = match($0, /`/) - 1
	script = sprintf("%s/%03d.sh", out, ++n)
	printf "# %s line %d\ncat >%s <<'THE_END_OF_IT'\n", FILENAME, FNR, $2 > script
	next
}

kind && /^ *```/ {
	if (kind == "file")
		print "THE_END_OF_IT" > script
	finish()
	next
}
!kind && match($0, /\| `numaring[^`]*` \|$/) {
	script = sprintf("%s/%03d.sh", out, ++n)
	printf "# %s line %d\n%s\n", FILENAME, FNR, substr($0, RSTART + 3, RLENGTH - 6) > script
	close(script)
}

!kind { next }
{ line = substr($0, indent + 1) }
kind != "console" { print line > script; next }
# A command goes on in the next line after a backslash.
continued || line ~ /^\$ / {
	if (!continued)
		line = substr(line, 3)
	print line > script
	continued = line ~ /\\$/
	next
}
{ print line > shown }
END { if (!n) exit 3 }
