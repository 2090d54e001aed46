# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Lines "A<TAB>B<TAB>what A takes from B": prints the circles they make, and fails if there are any.
BEGIN { FS = "\t" }
$1 != $2 && !seen[$1, $2]++ {
	n++
	from[n] = $1
	to[n] = $2
	what[n] = $3
}

# Drops the edges to those that use nobody: they are on no circle. Then more of the rest use nobody.
function peel(    i, user, dropped) {
	do {
		split("", user)
		dropped = 0
		for (i = 1; i <= n; i++)
			if (i in from)
				user[from[i]] = i
		for (i = 1; i <= n; i++)
			if (i in from && !(to[i] in user)) {
				delete from[i]
				dropped++
			}
	} while (dropped)
}

# Prints one circle and drops its edges. Whoever is left after peel uses somebody who is left, so a walk ends in one.
function walk(at,    i, next_edge, been, start) {
	for (i = 1; i <= n; i++)
		if (i in from)
			next_edge[from[i]] = i
	while (!(at in been)) {
		been[at]
		at = to[next_edge[at]]
	}
	start = at
	printf "circle: %s", start
	do {
		i = next_edge[at]
		at = to[i]
		printf " uses %s (%s)%s", at, what[i], at == start ? "\n" : ", which"
		delete from[i]
	} while (at != start)
}

END {
	for (peel(); n > 0; n--)
		while (n in from) {
			found = 1
			walk(from[n])
			peel()
		}
	exit found
}
