// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * fields OBJECT: checks that this kernel has every field of the object's structs, with the same
 * size.
 *
 * It checks a struct if a variable has its type (tools.sh makes one for each struct of vmlinux.h).
 * If the variable's name begins with exact_, the fields must also have the kernel's offsets. A
 * struct that this kernel lacks, because it was built without that part, is no error.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

static struct btf *ours, *kernel;
static int errors, checked;

static const struct btf_type *resolve(const struct btf *btf, __u32 id)
{
	int end = btf__resolve_type(btf, id);

	return btf__type_by_id(btf, end < 0 ? 0 : end);
}

struct place {
	__u32 type;
	__u32 bits; /* offset */
};

/* Finds a member by its name, also in anonymous structs and unions. */
static int find(const struct btf_type *st, const char *name, __u32 base, struct place *out)
{
	for (unsigned i = 0; i < btf_vlen(st); i++) {
		const struct btf_member *m = &btf_members(st)[i];
		const struct btf_type *t = resolve(kernel, m->type);
		const char *called = btf__name_by_offset(kernel, m->name_off);
		__u32 at = base + btf_member_bit_offset(st, i);

		if (*called && !strcmp(called, name)) {
			*out = (struct place){ m->type, at };
			return 1;
		}
		if (!*called && btf_is_composite(t) && find(t, name, at, out))
			return 1;
	}
	return 0;
}

static int is_scalar(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t) || btf_is_ptr(t);
}

static void complain(const char *st, const char *field, const char *what)
{
	printf("struct %s, %s: %s\n", st, field, what);
	errors++;
}

static void check_field(const char *name, const struct btf_type *st, unsigned i,
			const struct btf_type *theirs, int exact)
{
	const struct btf_member *m = &btf_members(st)[i];
	const char *field = btf__name_by_offset(ours, m->name_off);
	struct place p;

	checked++;
	if (!find(theirs, field, 0, &p))
		complain(name, field, "this kernel has no such field");
	else if (exact && p.bits != btf_member_bit_offset(st, i))
		complain(name, field, "at another offset");
	else if (is_scalar(resolve(ours, m->type)) && is_scalar(resolve(kernel, p.type)) &&
		 btf__resolve_size(ours, m->type) != btf__resolve_size(kernel, p.type))
		complain(name, field, "of another size");
}

static void check_struct(const struct btf_type *st, int exact)
{
	const char *name = btf__name_by_offset(ours, st->name_off);
	int id = btf__find_by_name_kind(kernel, name, BTF_KIND_STRUCT);
	const struct btf_type *theirs = btf__type_by_id(kernel, id < 0 ? 0 : id);

	if (id < 0) {
		printf("note: this kernel has no struct %s\n", name);
		return;
	}
	if (exact && theirs->size != st->size)
		complain(name, "all of it", "of another size");
	for (unsigned i = 0; i < btf_vlen(st); i++)
		check_field(name, st, i, theirs, exact);
}

int main(int argc, char **argv)
{
	ours = argc == 2 ? btf__parse(argv[1], NULL) : NULL;
	kernel = btf__load_vmlinux_btf();
	if (!ours || !kernel) {
		fprintf(stderr, "usage: fields OBJECT, on a kernel with BTF\n");
		return 2;
	}
	for (__u32 i = 1; i < btf__type_cnt(ours); i++) {
		const struct btf_type *t = btf__type_by_id(ours, i);

		if (btf_is_var(t))
			check_struct(resolve(ours, t->type),
				     !strncmp(btf__name_by_offset(ours, t->name_off), "exact_", 6));
	}
	printf("%d fields\n", checked);
	btf__free(ours);
	btf__free(kernel);
	return errors || !checked;
}
