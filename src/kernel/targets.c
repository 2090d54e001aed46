// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "targets.h"

#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "libbpf_log.h"
#include "name_list.h"
#include "target.h"

/* ---- which way ---- */

/* Several kinds of programs have the type of kprobes. libbpf before 1.3 does not know uprobe.multi
 * and leaves its type open. */
static const struct nr_target_kind *kind_of_section(const struct bpf_program *prog)
{
	static const struct {
		const char *section;
		const struct nr_target_kind *kind;
	} kinds[] = {
		{ "kprobe", &nr_target_kprobe },
		{ "kretprobe", &nr_target_kprobe },
		{ "kprobe.multi", &nr_target_kprobes },
		{ "kretprobe.multi", &nr_target_kprobes },
		{ "ksyscall", &nr_target_ksyscall },
		{ "kretsyscall", &nr_target_ksyscall },
		{ "uprobe", &nr_target_uprobe },
		{ "uretprobe", &nr_target_uprobe },
		{ "uprobe.multi", &nr_target_uprobe },
		{ "uretprobe.multi", &nr_target_uprobe },
		{ "usdt", &nr_target_usdt },
	};

	for (size_t i = 0; i < NR_ARRAY_SIZE(kinds); i++)
		if (nr_section_is(prog, kinds[i].section))
			return kinds[i].kind;
	return NULL;
}

static const struct nr_target_kind *kind_of(const struct bpf_program *prog)
{
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_UNSPEC:
	case BPF_PROG_TYPE_KPROBE:
		return kind_of_section(prog);
	case BPF_PROG_TYPE_PERF_EVENT:
		return &nr_target_perf;
	case BPF_PROG_TYPE_SCHED_CLS:
		return &nr_target_tc;
	case BPF_PROG_TYPE_XDP:
		return &nr_target_xdp;
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_SOCK_OPS:
		return &nr_target_cgroup;
	case BPF_PROG_TYPE_SK_LOOKUP:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		return &nr_target_netns;
	case BPF_PROG_TYPE_TRACEPOINT:
		return &nr_target_tracepoint;
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
		return &nr_target_raw_tracepoint;
	case BPF_PROG_TYPE_TRACING:
		return nr_section_is(prog, "iter") ? &nr_target_iter : &nr_target_function;
	case BPF_PROG_TYPE_LSM:
		return &nr_target_function;
	default:
		return NULL;
	}
}

const char *nr_targets_advice(const struct bpf_program *prog, char *buf, size_t size)
{
	const struct nr_target_kind *kind = kind_of(prog);

	if (kind)
		snprintf(buf, size, "give --attach %s=%s", bpf_program__name(prog), kind->form);
	else
		snprintf(
			buf, size,
			"numaring cannot attach programs of its type (%s): use a section that "
			"names its target, such as tp_btf/sched_switch, or attach it yourself with "
			"nr_collector_object of libnumaring",
			libbpf_bpf_prog_type_str(bpf_program__type(prog)) ?: "unknown");
	return buf;
}

/* ---- adding ---- */

static int find_program(const struct nr_object *o, const char *name, struct bpf_program **out,
			const struct nr_logger *log)
{
	struct nr_name_list list;
	struct bpf_program *prog;

	nr_name_list_begin(&list, name);
	bpf_object__for_each_program (prog, o->obj) {
		if (!strcmp(bpf_program__name(prog), name)) {
			*out = prog;
			return 0;
		}
		nr_name_list_add(&list, bpf_program__name(prog));
	}
	nr_log(log, NR_LOG_ERROR, "%s has no program \"%s\": %s", o->name, name,
	       nr_name_list_advice(&list));
	return -ENOENT;
}

static int refuse_type(const struct bpf_program *prog, const struct nr_logger *log)
{
	char advice[512];

	nr_log(log, NR_LOG_ERROR, "cannot attach program %s (%s): %s", bpf_program__name(prog),
	       bpf_program__section_name(prog), nr_targets_advice(prog, advice, sizeof(advice)));
	return -EOPNOTSUPP;
}

static int keep(struct nr_object *o, const struct nr_target *t)
{
	struct nr_target *grown = reallocarray(o->targets, o->n_targets + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	o->targets = grown;
	grown[o->n_targets++] = *t;
	return 0;
}

int nr_targets_add(struct nr_object *o, const char *program, const char *text,
		   const struct nr_logger *log)
{
	struct nr_target t = {};
	int err = find_program(o, program, &t.prog, log);

	if (err)
		return err;
	t.kind = kind_of(t.prog);
	if (!t.kind)
		return refuse_type(t.prog, log);
	t.text = strdup(text);
	if (!t.text)
		return -ENOMEM;
	err = !*text	      ? nr_target_refuse(&t, -EINVAL, NULL, log)
	      : t.kind->check ? t.kind->check(&t, log)
			      : 0;
	err = err ?: keep(o, &t);
	if (err) {
		free((char *)t.text);
		return err;
	}
	if (bpf_program__type(t.prog) == BPF_PROG_TYPE_UNSPEC)
		bpf_program__set_type(t.prog, BPF_PROG_TYPE_KPROBE);
	bpf_program__set_autoload(t.prog, true); /* SEC("?...") */
	bpf_program__set_autoattach(t.prog, true);
	o->nmi |= t.nmi;
	return 0;
}

/* ---- attaching ---- */

static int attach_target(struct nr_object *o, const struct nr_target *t,
			 const struct nr_logger *log)
{
	struct nr_libbpf_warnings warnings = {};
	int err;

	nr_libbpf_log_begin(log, &warnings);
	err = t->kind->attach(o, t, log);
	nr_libbpf_log_end();
	return err;
}

int nr_targets_attach(struct nr_object *o, struct bpf_program *prog, const struct nr_logger *log)
{
	int err = NR_NO_TARGET, ret;

	for (unsigned i = 0; i < o->n_targets; i++) {
		if (o->targets[i].prog != prog)
			continue;
		ret = attach_target(o, &o->targets[i], log);
		err = err == NR_NO_TARGET ? ret : err ?: ret;
	}
	if (err == NR_NO_TARGET && nr_iterator_is_complete(prog)) {
		const struct nr_target at_start = { prog, "start", &nr_target_iter, false };

		err = attach_target(o, &at_start, log);
	}
	return err;
}

static bool runs_in_nmi(const struct nr_object *o, const struct bpf_program *prog)
{
	bool any = false;

	for (unsigned i = 0; i < o->n_targets; i++) {
		if (o->targets[i].prog != prog)
			continue;
		if (!o->targets[i].nmi)
			return false;
		any = true;
	}
	return any;
}

const char *nr_targets_beside_nmi(const struct nr_object *o)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj)
		if (o->n_targets && bpf_program__autoload(prog) && !runs_in_nmi(o, prog))
			return bpf_program__name(prog);
	return NULL;
}
