// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "base/bits.h"
#include "explain.h"

#define LOG_BEGIN "-- BEGIN PROG LOAD LOG --\n"
#define LOG_END	  "-- END PROG LOAD LOG --"

/* The messages are those of Linux 5.18 to 6.18 and of libbpf 1.0 to 1.5. A row matches if one line
 * contains both strings and the program's section begins with `section`. The first match wins. */
static const struct mistake {
	const char *text, *other_text, *section;
	const char *advice;
} mistakes[] = {
#define NO_CHECK                                                                                   \
	"a pointer may be NULL: check what nr_reserve() or bpf_map_lookup_elem() returned before " \
	"you use it (\"if (!e) return 0;\")"
	{ "invalid mem access '", "_or_null", "", NO_CHECK },
	{ "_or_null expected=", "", "", NO_CHECK },
	{ "null-check it first", "", "", NO_CHECK },
#define NO_SUBMIT                                                                                  \
	"the program can end with a record that is still reserved: call nr_submit() or "           \
	"nr_discard() on every path after nr_reserve()"
	{ "Unreleased reference", "", "", NO_SUBMIT },
	{ "reference leak", "", "", NO_SUBMIT },
#define BAD_SUBMIT                                                                                 \
	"nr_submit() and nr_discard() take the pointer that nr_reserve() returned, and only once"
	{ "type=scalar expected=ringbuf_mem", "", "", BAD_SUBMIT },
	{ "type=scalar expected=alloc_mem", "", "", BAD_SUBMIT },
#define BAD_POINTER                                                                                \
	"the verifier does not trust a pointer: check for NULL what nr_reserve() returned, do "    \
	"not use a record after nr_submit(), and read kernel memory with BPF_CORE_READ()"
	{ "invalid mem access '", "", "", BAD_POINTER },
	{ "type=scalar expected=", "", "", BAD_POINTER },
#define UNBOUNDED                                                                                  \
	"a length or an index may be negative or has no limit that the verifier can see: check "   \
	"it right before its use, with an unsigned variable "                                      \
	"(\"if (len > sizeof(path)) return 0;\")"
	{ "unbounded m", "", "", UNBOUNDED },
	{ "value is negative", "", "", UNBOUNDED },
	{ "pointer be out of bounds", "", "", UNBOUNDED }, /* an index that may be negative */
	{ "unbounded variable-offset", "", "", UNBOUNDED },
#define BEYOND                                                                                     \
	"the program can read or write beyond the end of a record, a map value or an array: "      \
	"check the index or the length against its size"
	{ "value is outside of the allowed", "", "", BEYOND },
	{ " stack R", "off=", "", BEYOND },
	{ "is not a known constant", "", "",
	  "the size of a reservation must be a constant: use nr_output_tail() for events of "
	  "variable length" },
#define TOO_COMPLEX                                                                                \
	"the verifier gives up after 1,000,000 instructions: give every loop a small constant "    \
	"limit, use bpf_loop(), or split the program"
	{ "program is too large", "", "", TOO_COMPLEX },
	{ "is too complex", "", "", TOO_COMPLEX },
	{ "infinite loop detected", "", "", TOO_COMPLEX },
	{ "back-edge from insn", "", "", TOO_COMPLEX },
#define TOO_DEEP                                                                                   \
	"a program and the functions it calls share a stack of 512 bytes: fill the record in "     \
	"place instead of copying it from the stack, or keep large data in a map"
	{ "combined stack size", "", "", TOO_DEEP },
#define NO_GPL                                                                                     \
	"the kernel reserves this function for GPL programs: declare "                             \
	"char LICENSE[] SEC(\"license\") = \"GPL\"; or \"Dual BSD/GPL\""
	{ "non-GPL compatible", "", "", NO_GPL },
#define LOCKED_DOWN                                                                                \
	"the kernel lets no BPF program read its memory: boot with lockdown=integrity, or "        \
	"without lockdown"
	{ "cannot use helper", "bpf_probe_read", "", LOCKED_DOWN },
	{ "unknown func", "bpf_probe_read", "", LOCKED_DOWN },
#define NO_HELPER                                                                                  \
	"this kernel does not offer that function to programs of this type: use another one "      \
	"(bpf-helpers(7)), or another type of program"
	{ "cannot use helper", "", "", NO_HELPER },
	{ "unknown func", "", "", NO_HELPER },
	{ "invalid func", "", "", NO_HELPER },
	{ "calling kernel function", "is not allowed", "", NO_HELPER },
	{ "doesn't have", "-th argument", "",
	  "the tracepoint or function has fewer arguments than the program reads: compare them "
	  "with its prototype in this kernel" },
	{ "invalid bpf_context access", "", "",
	  "the program reads context that its type of program does not have: compare it with the "
	  "arguments of the tracepoint or function" },
	{ "invalid CO-RE relocation", "", "",
	  "this kernel has no such type or field: check bpf_core_field_exists() before you read "
	  "it" },
#define NOT_SET "the program uses a variable that is not set on every path: initialize it"
	{ "!read_ok", "", "", NOT_SET },
	{ "read from stack", "invalid", "", NOT_SET },
	{ "should have been in", "R0", "",
	  "this type of program must not return such a value: return 0" },
	/* Messages of libbpf. */
	{ "no BTF-based attach target", "", "",
	  "the section does not say what the program attaches to: append it, as in "
	  "SEC(\"tp_btf/sched_switch\")" },
#define NO_TRACEPOINT                                                                              \
	"this kernel has no such tracepoint: /sys/kernel/tracing/events lists those it has"
	{ "failed to find kernel BTF type ID", "", "tp_btf/", NO_TRACEPOINT },
	{ "failed to find kernel BTF type ID", "", "lsm", "this kernel has no such LSM hook" },
	{ "failed to find kernel BTF type ID", "", "",
	  "this kernel has no such function, or it is static and was inlined: look it up in the "
	  "output of bpftool btf dump file /sys/kernel/btf/vmlinux" },
#define NO_SYMBOL                                                                                  \
	"this kernel has no such symbol: declare it __weak and test it before you use it, or do "  \
	"without it"
	{ "extern", "not resolved", "", NO_SYMBOL },
	{ "extern", "not found in kernel", "", NO_SYMBOL },
	{ "extern", "incompatible with kernel", "",
	  "the declaration of the extern symbol differs from this kernel's: take it from a "
	  "vmlinux.h of this kernel" },
	{ "failed to open system Kconfig", "", "",
	  "the kernel's configuration is neither in /proc/config.gz nor in /boot: declare the "
	  "__kconfig symbol __weak" },
#define NO_TRAMPOLINE                                                                              \
	"this kernel cannot attach programs to functions this way (CONFIG_DYNAMIC_FTRACE "         \
	"is not set, or a security policy forbids it): use tp_btf/..., raw_tp/... or "             \
	"tracepoint/..."
	{ "failed: Operation not permitted", "", "f", NO_TRAMPOLINE }, /* fentry, fexit, ... */
	{ "failed: Operation not permitted", "", "lsm",
	  "this kernel does not allow LSM programs: use tp_btf/..., raw_tp/... or "
	  "tracepoint/..." },
	{ "failed to attach", "", "f", NO_TRAMPOLINE },
	{ "legacy kprobe event", "", "",
	  "this kernel has no kprobes (CONFIG_KPROBE_EVENTS is not set): use tp_btf/..., "
	  "raw_tp/... or tracepoint/..." },
	{ "failed to attach: Operation not supported", "", "k",
	  "this kernel cannot attach a program to several kprobes at once (CONFIG_FPROBE is not "
	  "set): use kprobe/..., tp_btf/... or tracepoint/..." },
#define NO_FUNCTION                                                                                \
	"this kernel has no such function, or it cannot be probed: "                               \
	"/sys/kernel/tracing/available_filter_functions lists those that can"
	{ "failed to create k", "No such file", "k", NO_FUNCTION },
	{ "failed to attach: Invalid argument", "", "kprobe.multi", NO_FUNCTION },
	{ "failed to attach: No such process", "", "kprobe.multi", NO_FUNCTION },
	{ "tracepoint '", "No such file", "", NO_TRACEPOINT },
	{ "failed to attach to tracepoint '", "Permission denied", "",
	  "the program reads beyond the fields of the tracepoint: compare its context with the "
	  "tracepoint's format file in /sys/kernel/tracing/events" },
	{ "failed to find symbol", "", "u",
	  "the file has no such function: it may be stripped, or the name mangled (nm -D lists "
	  "the names)" },
};

static const char *find_last(const char *in, const char *text)
{
	const char *found = NULL;

	for (in = strstr(in, text); in; in = strstr(in + 1, text))
		found = in;
	return found;
}

/* Returns where the last NR_REFUSAL_LINES lines of [begin, end) begin. */
static const char *last_lines(const char *begin, const char *end)
{
	const char *p = end;
	unsigned lines = 0;

	while (p > begin && (p[-1] != '\n' || p == end || ++lines < NR_REFUSAL_LINES))
		p--;
	return p;
}

static void read_program(struct nr_refusal *r, const char *warnings)
{
	const char *name = find_last(warnings, "prog '");
	int len;

	if (!name)
		return;
	name += strlen("prog '");
	len = strcspn(name, "'");
	snprintf(r->program, sizeof(r->program), "%.*s", len, name);
}

void nr_refusal_read(struct nr_refusal *r, const char *warnings)
{
	const char *end = find_last(warnings, LOG_END);
	const char *begin = find_last(warnings, LOG_BEGIN); /* NULL if a long log was cut */

	*r = (struct nr_refusal){ .from_verifier = end };
	begin = end && begin ? begin + strlen(LOG_BEGIN) : warnings;
	end = end ?: warnings + strlen(warnings);
	r->lines = last_lines(begin, end);
	r->len = end - r->lines;
	read_program(r, warnings);
}

static bool contains(const char *line, size_t len, const char *text)
{
	return memmem(line, len, text, strlen(text));
}

/* The verifier quotes source code behind a semicolon. Such a line proves nothing. */
static bool matches(const struct mistake *m, const char *line, size_t len)
{
	return *line != ';' && contains(line, len, m->text) && contains(line, len, m->other_text);
}

static const char *find_line(const struct nr_refusal *r, const struct mistake *m, size_t *len)
{
	const char *end = r->lines + r->len;

	for (const char *line = r->lines; line < end; line += *len + 1) {
		const char *newline = memchr(line, '\n', end - line);

		*len = (newline ?: end) - line;
		if (matches(m, line, *len))
			return line;
	}
	return NULL;
}

const char *nr_refusal_advice(struct nr_refusal *r, const char *section)
{
	for (size_t i = 0; i < NR_ARRAY_SIZE(mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		const char *line;
		size_t len;

		if (strncmp(section, m->section, strlen(m->section)))
			continue;
		line = find_line(r, m, &len);
		if (!line)
			continue;
		if (!r->from_verifier) {
			r->lines = line;
			r->len = len;
		}
		return m->advice;
	}
	return NULL;
}
