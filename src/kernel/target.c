// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include "report.h"

bool nr_section_is(const struct bpf_program *prog, const char *word)
{
	const char *section = bpf_program__section_name(prog);
	size_t len = strlen(word);

	section += *section == '?';
	if (strncmp(section, word, len))
		return false;
	section += len;
	if (!strncmp(section, ".s", 2))
		section += 2;
	return !*section || *section == '/';
}

bool nr_section_is_return(const struct bpf_program *prog)
{
	return nr_section_is(prog, "kretprobe") || nr_section_is(prog, "kretprobe.multi") ||
	       nr_section_is(prog, "kretsyscall") || nr_section_is(prog, "uretprobe") ||
	       nr_section_is(prog, "uretprobe.multi");
}

int nr_target_refuse(const struct nr_target *t, int err, const char *why,
		     const struct nr_logger *log)
{
	const char *name = bpf_program__name(t->prog);

	if (why)
		nr_log(log, NR_LOG_ERROR, "cannot attach program %s to %s: %s", name, t->text, why);
	else
		nr_log(log, NR_LOG_ERROR, "invalid target \"%s\" of program %s (%s): give %s",
		       t->text, name, bpf_program__section_name(t->prog), t->kind->form);
	return err;
}

int nr_target_failed(const struct nr_target *t, int err, const char *why,
		     const struct nr_logger *log)
{
	nr_log(log, NR_LOG_ERROR, "cannot attach program %s (%s) to %s: %s",
	       bpf_program__name(t->prog), bpf_program__section_name(t->prog), t->text,
	       why ?: nr_attach_reason(err));
	return err;
}

int nr_target_keep(struct nr_object *o, const struct nr_target *t, struct bpf_link *link,
		   const char *(*explain)(const struct nr_target *t, int err),
		   const struct nr_logger *log)
{
	int err = -errno;

	if (link)
		return nr_object_link(o, link);
	return nr_target_failed(t, err, explain ? explain(t, err) : NULL, log);
}

void nr_targets_clear(struct nr_object *o)
{
	for (unsigned i = 0; i < o->n_targets; i++)
		free((char *)o->targets[i].text);
	free(o->targets);
	o->targets = NULL;
	o->n_targets = 0;
}
