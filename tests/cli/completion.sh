#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion in bash and in zsh: what a user sees after TAB.
. "$(dirname "$0")/../lib.sh"
completion=$(realpath "$(dirname "$0")/../../packaging/completion")
bench=$(dirname "$NUMARING")/numaring-bench
scratch
mkdir bin dir
ln -s "$NUMARING" bin/numaring
ln -s "$bench" bin/numaring-bench
touch dir-file
export PATH=$PWD/bin:$PATH

# has WHAT WORD LIST: the word is one of the list; hasnt: it is not.
has() {
	grep -qxF -- "$2" <<<"$3" && echo "ok: $1 has $2" && return
	fail "$1 does not have $2: $(tr '\n' ' ' <<<"$3")"
}
hasnt() {
	grep -qxF -- "$2" <<<"$3" && fail "$1 has $2"
}

# complete_bash WORDS...: what bash offers for the last of the words. Bash splits words at = and :.
complete_bash() {
	bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		. "$1/numaring.bash"
		shift
		compopt() { :; }
		for word; do
			mapfile -t parts < <(sed -E "s/([=:])/\n\1\n/g" <<<"$word" | grep -v "^$")
			[ "$word" ] || parts=("")
			COMP_WORDS+=("${parts[@]}")
		done
		[[ $word == *[=:] ]] && COMP_WORDS+=("")
		COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_numaring "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$completion" "$@"
}

# In zsh, a terminal shows the list. Options of the list: one match on each line, no colours.
cat >zsh.zsh <<'E2'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PS2=; stty -echo cols 500 rows 1000; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=0"
zpty -w z 'zstyle ":completion:*" list-packed false; setopt list_rows_first no_always_last_prompt no_auto_menu no_beep
	no_list_ambiguous; bindkey "^X" list-choices; PROMPT_EOL_MARK='
zpty -w z 'zle_done() { zle kill-buffer; print -n ">DONE<" }; zle -N zle_done; bindkey "^Y" zle_done; echo REA""DY'
zpty -r z out '*READY*'
zpty -w -n z "$2"$'\x18\x19'
zpty -r -m z out '*>DONE<*'
print -r -- "$out"
zpty -d z
E2
complete_zsh() { # LINE
	timeout 60 zsh -f zsh.zsh "$completion" "$1" | tr '\r ' '\n\n' | sed -E 's/\x1b\[[0-9;?]*[A-Za-z]//g' | grep -v '^$'
}

# offers SHELL: the same questions to both shells.
offers() {
	local it
	it=$(ask "")
	has "$1: commands" record "$it"
	has "$1: commands" topology "$it"
	has "$1: commands" help "$it"
	it=$(ask record --f)
	has "$1: record --f" --filter= "$it"
	has "$1: record --f" --force "$it"
	hasnt "$1: record --f" --keep= "$it"
	it=$(ask record --on-full=)
	has "$1: record --on-full=" drop-oldest "$it"
	it=$(ask record --on-full "")
	has "$1: record --on-full" pause "$it"
	it=$(ask topology --shards=)
	has "$1: --shards=" llc "$it"
	it=$(ask export --to "")
	has "$1: export --to" csv "$it"
	it=$(ask report "")
	has "$1: report" offcpu "$it"
	has "$1: report" diff "$it"
	it=$(ask record --report=offcpu,ru)
	has "$1: record --report=" "${2}runq" "$it"
	it=$(ask cat d)
	has "$1: cat" "dir$3" "$it"
	hasnt "$1: cat" dir-file "$it"
	it=$(ask record -e sys)
	has "$1: record -e" syscalls "$it"
	it=$(ask record -d 3 -- numaring-b)
	has "$1: record -- COMMAND" numaring-bench "$it"
	it=$(ask record --force -- numaring cat --sy)
	has "$1: record -- COMMAND --option" --symbols "$it"
}

if [ -r /usr/share/bash-completion/bash_completion ]; then
	ask() { complete_bash numaring "$@"; }
	offers bash offcpu, ""
	has "bash: numaring-bench" --quick "$(complete_bash numaring-bench sweep --q)"
	if "$NUMARING" list 'sched:sched_switch' >/dev/null 2>&1; then
		has "bash: a tracepoint" sched_switch "$(complete_bash numaring record -e sched:sched_sw)"
	fi
else
	echo "note: bash-completion is not installed, so completion in bash was not tried"
fi
if command -v zsh >/dev/null; then
	ask() { complete_zsh "numaring $*"; }
	offers zsh "" /
else
	echo "note: zsh is not installed, so completion in zsh was not tried"
fi
finish
