# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# abi.awk OLD NEW: checks that the structs and enums of NEW grew only at their end. OLD and NEW are dumps of
# abidw. (The suppressions of abidiff 2.2 cannot check this: has_data_member_inserted_at also matches if nothing
# is inserted.)
function attr(name) {
	if (!match($0, " " name "='[^']*'"))
		return ""
	return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
}

function wrong(text) {
	print text
	bad = 1
}

# One member or enumerator. at: the member's bit, or "" for an enumerator.
function enter(name, value, at) {
	name = of "." name
	if (FNR == NR)
		was[name] = value
	else if (!(name in was) && at != "" && of in size && at + 0 < size[of] + 0)
		wrong(name " is new and not at the end")
	else if (name in was && was[name] != value)
		wrong(name " has moved or changed its type or value")
	if (FNR != NR)
		now[name] = 1
}

/<(class|enum)-decl .*[^\/]>$/ { of = attr("name") }
/<class-decl .*[^\/]>$/ && FNR == NR { size[of] = attr("size-in-bits") }
/<\/(class|enum)-decl>/ { of = "" }
/<data-member / { bit = attr("layout-offset-in-bits") }
/<var-decl / && of { enter(attr("name"), bit " " attr("type-id"), bit) }
/<enumerator / && of { enter(attr("name"), attr("value"), "") }

END {
	for (name in was)
		if (!(name in now))
			wrong(name " is gone")
	exit bad
}
