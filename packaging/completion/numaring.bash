# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion for bash, loaded by bash-completion. It asks the program itself for commands (--help), options and their
# values (--usage), so that it knows those of the installed version.

# What "  NAME   what it is" lists: commands, or reports.
_numaring_listed() { # PROGRAM [COMMAND] --help
	"$@" 2>/dev/null | sed -nE 's/^  ([a-z]+)  +.*/\1/p'
}

# --NAME or --NAME=VALUES for each option.
_numaring_usage() { # PROGRAM COMMAND
	"$@" --usage 2>/dev/null | grep -oE -- '--[a-z-]+(=[^] []*)?'
}

# What --NAME takes, as in ctf|jsonl, as words; words in capitals are no values.
_numaring_choices() { # OPTION PROGRAM COMMAND
	_numaring_usage "${@:2}" | sed -n "s/^$1=//p" | tr '|' '\n' | grep -E '^[a-z][a-z0-9/-]*$'
}

# Completes the last item of a list that commas separate.
_numaring_list() { # WORDS
	local done=""
	[[ $cur == *,* ]] && done=${cur%,*},
	compopt -o nospace
	mapfile -t COMPREPLY < <(compgen -P "$done" -W "$1" -- "${cur##*,}")
}

_numaring_value() { # OPTION PROGRAM COMMAND
	case $1 in
	-e | --event) _numaring_list "$("$2" list 2>/dev/null | cut -d' ' -f1)" ;;
	--report) _numaring_list "$(_numaring_listed "$2" report --help)" ;;
	-p | --pid) _numaring_list "$(cd /proc && echo [0-9]*)" ;;
	--group) mapfile -t COMPREPLY < <(compgen -g -- "$cur") ;;
	--cgroup) _filedir -d ;;
	-o | --output | --object | --stats-json | --xml | --grid | --host | --sweep | --sweep-host | --before | --after | \
		--directory | --data) _filedir ;;
	--to) [ "$3" = export ] && mapfile -t COMPREPLY < <(compgen -W "$(_numaring_choices --format "$2" "$3")" -- "$cur") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$(_numaring_choices "$@")" -- "$cur") ;;
	esac
	return 0
}

# Does this option take a value, as the next word?
_numaring_takes() { # OPTION PROGRAM COMMAND
	case $1 in
	--*) _numaring_usage "${@:2}" | grep -q -- "^$1=" ;;
	-?) "$2" "$3" --usage 2>/dev/null | tr '\n' ' ' | grep -q -- "\[$1 [A-Z]" ;;
	*) false ;;
	esac
}

# The position of the first word after COMMAND that is neither an option nor its value; -- counts as one.
_numaring_first() { # PROGRAM COMMAND
	local i
	for ((i = 2; i < cword; i++)); do
		case ${words[i]} in
		--) break ;;
		-*) _numaring_takes "${words[i]}" "$@" && i=$((i + 1)) ;;
		*) break ;;
		esac
	done
	echo "$i"
}

_numaring_words() { # PROGRAM COMMAND
	local first
	first=$(_numaring_first "$@")
	case $2 in
	help) mapfile -t COMPREPLY < <(compgen -W "$(_numaring_listed "$1" --help)" -- "$cur") ;;
	list) mapfile -t COMPREPLY < <(compgen -W "$("$1" list 2>/dev/null | cut -d' ' -f1)" -- "$cur") ;;
	selftest) mapfile -t COMPREPLY < <(compgen -W order -- "$cur") ;;
	model) mapfile -t COMPREPLY < <(compgen -W "check fit predict surface limits" -- "$cur") ;;
	report)
		if [ "$1" = numaring-bench ]; then
			_filedir
		elif [ "$first" -lt "$cword" ]; then
			_filedir -d
		else
			_numaring_list "$(_numaring_listed "$1" report --help) diff"
		fi
		;;
	cat | export | stat | verify | repair | format) _filedir -d ;;
	esac
}

_numaring() {
	local cur prev words cword first program=$1
	_init_completion -n := || return
	if [ "$cword" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_numaring_listed "$program" --help) help --help --version" -- "$cur")
		return
	fi
	if [ "${words[1]}" = record ]; then
		first=$(_numaring_first "$program" record)
		[ "${words[first]}" = -- ] && first=$((first + 1))
		if [ "$first" -lt "$cword" ] || { [ "$first" = "$cword" ] && [[ $cur != -* && $prev = -- ]]; }; then
			_command_offset "$first"
			return
		fi
	fi
	if [[ $cur == --*=* ]]; then
		prev=${cur%%=*}
		cur=${cur#*=}
		_numaring_value "$prev" "$program" "${words[1]}"
	elif _numaring_takes "$prev" "$program" "${words[1]}"; then
		_numaring_value "$prev" "$program" "${words[1]}"
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_numaring_usage "$program" "${words[1]}")" -- "$cur")
		COMPREPLY=("${COMPREPLY[@]/=*/=}")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	else
		_numaring_words "$program" "${words[1]}"
	fi
	__ltrim_colon_completions "$cur"
}

complete -F _numaring numaring numaring-bench
