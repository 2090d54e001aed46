// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs of many functions of the kernel at once, by a pattern (kprobe.multi). The functions are
 * those that ftrace lists: libbpf before 1.3 would also take names from kallsyms that ftrace lacks,
 * for which the kernel refuses all.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "target.h"
#include "tracefs.h"

struct functions {
	char **names;
	size_t n;
};

static void clear(struct functions *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->names[i]);
	free(f->names);
}

static int add(struct functions *f, const char *name)
{
	char **grown = f->names;

	if (!(f->n & (f->n - 1))) /* the capacity doubles at powers of two */
		grown = reallocarray(grown, f->n ? 2 * f->n : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->names = grown;
	grown[f->n] = strdup(name);
	return grown[f->n] ? (f->n++, 0) : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Static functions may share a name, which the kernel takes only once. */
static void remove_doubles(struct functions *f)
{
	size_t n = 0;

	qsort(f->names, f->n, sizeof(*f->names), compare);
	for (size_t i = 0; i < f->n; i++)
		if (n && !strcmp(f->names[n - 1], f->names[i]))
			free(f->names[i]);
		else
			f->names[n++] = f->names[i];
	f->n = n;
}

/* Each line is a name, maybe followed by its module. */
static int read_list(FILE *list, const char *pattern, struct functions *f)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	while (!err && getline(&line, &size, list) > 0) {
		line[strcspn(line, " \t\n")] = 0;
		if (!fnmatch(pattern, line, 0))
			err = add(f, line);
	}
	free(line);
	return err;
}

static int find(const char *pattern, struct functions *f, const struct nr_logger *log)
{
	struct nr_tracefs fs;
	int err = nr_tracefs_open(&fs, log), fd;
	FILE *list;

	if (err)
		return err;
	fd = openat(fs.events, "../available_filter_functions", O_RDONLY | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopen(fd, "r");
	err = list ? read_list(list, pattern, f) : -errno;
	if (list)
		fclose(list);
	nr_tracefs_close(&fs);
	if (f->n)
		remove_doubles(f);
	return err;
}

static const char *explain(const struct nr_target *t, int err)
{
	(void)t;
	return err == -EOPNOTSUPP || err == -EINVAL || err == -EPERM
		       ? "this kernel does not take it (CONFIG_FPROBE is not set, or a security "
			 "policy "
			 "forbids it); use a tracepoint"
		       : NULL;
}

static int attach_all(struct nr_object *o, const struct nr_target *t, struct functions *f,
		      const struct nr_logger *log)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .syms = (const char **)f->names, .cnt = f->n,
		    .retprobe = nr_section_is_return(t->prog));

	return nr_target_keep(o, t, bpf_program__attach_kprobe_multi_opts(t->prog, NULL, &opts),
			      explain, log);
}

static int attach(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log)
{
	struct functions f = {};
	int err = find(t->text, &f, log);

	if (err == -ENOENT || err == -EPERM || err == -EACCES)
		nr_target_failed(
			t, err,
			"this kernel does not list its functions (CONFIG_DYNAMIC_FTRACE is "
			"not set, or a security policy forbids it); use a tracepoint",
			log);
	else if (err)
		nr_target_failed(t, err, NULL, log);
	else if (!f.n)
		err = nr_target_failed(t, -ENOENT,
				       "no function of the kernel that takes a probe has "
				       "this name or matches (available_filter_functions "
				       "of tracefs lists them)",
				       log);
	else
		err = attach_all(o, t, &f, log);
	clear(&f);
	return err;
}

const struct nr_target_kind nr_target_kprobes = {
	.form = "FUNCTIONS of the kernel, a name or a pattern, as in 'vfs_*'",
	.attach = attach,
};
