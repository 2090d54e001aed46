// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "events.h"
#include "libbpf_log.h"
#include "object.h"
#include "target.h"
#include "trial.h"

/* The verifier may take several seconds for a large program. */
#define TRIAL_MS 120000

/* The bytes of an object: in a file, or in memory if path is NULL. */
struct image {
	const char *path;
	const char *name;
	const void *data;
	size_t size;
};

static struct bpf_object *open_image(const struct image *image)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = image->name);

	return image->path ? bpf_object__open_file(image->path, NULL)
			   : bpf_object__open_mem(image->data, image->size, &opts);
}

/* In the child: everything that makes libbpf read the object. The parent reports errors. */
static void load_image(void *arg)
{
	struct bpf_object *obj = open_image(arg);

	if (obj)
		bpf_object__load(obj);
	bpf_object__close(obj);
}

static const char *trial_error(int err)
{
	return err == -ECANCELED   ? "the child was killed"
	       : err == -ETIMEDOUT ? "the child hung, and was killed"
				   : strerror(-err);
}

/* libbpf trusts objects, and crashes on many damaged ones: version 1.1 on one in 80 of those that
 * have one to four bytes changed. So a child process loads the object first. */
static int try_image(struct image *image, const char *name, const struct nr_logger *log)
{
	int ret = nr_trial(load_image, image, TRIAL_MS);

	if (ret > 0) {
		nr_log(log, NR_LOG_ERROR,
		       "%s is damaged, libbpf crashes on it (%s): build it again", name,
		       strsignal(ret));
		return -EINVAL;
	}
	if (ret < 0) /* says nothing about the object, so it is loaded all the same */
		nr_log(log, NR_LOG_WARN, "cannot try %s in a child process first: %s", name,
		       trial_error(ret));
	return 0;
}

/* Logs why libbpf could not open the image, and returns the errno for our caller. */
static int report_unopened(const struct image *image, const char *name, int err,
			   const struct nr_logger *log)
{
	char why[128];

	/* libbpf's error for an object without BTF, unless the file does not exist. */
	if (err == -ENOENT && (!image->path || !access(image->path, F_OK))) {
		nr_log(log, NR_LOG_ERROR, "%s has no BTF: build it with clang's -g", name);
		return -EINVAL;
	}
	libbpf_strerror(err, why, sizeof(why));
	nr_log(log, NR_LOG_ERROR, "cannot read %s as a BPF object: %s", name,
	       err == -ENOMEM ? nr_reason(err) : why);
	return err <= -__LIBBPF_ERRNO__START ? -EINVAL : err; /* libbpf has numbers of its own */
}

static int open_object(struct nr_object *o, const char *name, const struct image *image,
		       const struct nr_logger *log)
{
	struct bpf_object *obj;
	int err;

	nr_libbpf_log_begin(log, NULL);
	obj = open_image(image);
	err = obj ? 0 : -errno;
	nr_libbpf_log_end();
	if (err)
		return report_unopened(image, name, err, log);
	*o = (struct nr_object){ .own_name = strdup(name), .obj = obj, .own_obj = true };
	o->name = o->own_name ? o->own_name : "object";
	return 0;
}

int nr_object_open(struct nr_object *o, const char *path, const struct nr_logger *log)
{
	struct image image = { .path = path };

	return try_image(&image, path, log) ?: open_object(o, path, &image, log);
}

int nr_object_open_mem(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log)
{
	struct image image = { .name = name, .data = data, .size = size };

	return try_image(&image, name, log) ?: open_object(o, name, &image, log);
}

int nr_object_open_own(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log)
{
	const struct image image = { .name = name, .data = data, .size = size };

	return open_object(o, name, &image, log);
}

int nr_object_check_unloaded(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj) {
		if (bpf_program__fd(prog) < 0)
			continue;
		nr_log(log, NR_LOG_ERROR,
		       "%s is already loaded: leave the loading to the collector", o->name);
		return -EBUSY;
	}
	return 0;
}

int nr_object_adopt(struct nr_object *o, struct bpf_object *obj, const struct nr_logger *log)
{
	*o = (struct nr_object){ .name = bpf_object__name(obj), .obj = obj };
	return nr_object_check_unloaded(o, log);
}

/* libbpf calls the map of a section OBJECT.SECTION, or like a section of the author's own. */
struct bpf_map *nr_object_section(const struct nr_object *o, const char *section)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, o->obj) {
		const char *name = bpf_map__name(map);
		size_t len = strlen(name), end = strlen(section);

		if (bpf_map__is_internal(map) && len >= end && !strcmp(name + len - end, section))
			return map;
	}
	return NULL;
}

int nr_object_set(struct nr_object *o, const char *name, const void *value, size_t value_size)
{
	const struct btf_var_secinfo *v = nr_constant_find(bpf_object__btf(o->obj), name);
	struct bpf_map *map = nr_object_section(o, ".rodata");
	const void *data;
	size_t size;
	char *copy;
	int err;

	data = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!data)
		return -EINVAL;
	if (!v || (size_t)v->offset + v->size > size)
		return 0;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, size);
	memcpy(copy + v->offset, value, v->size < value_size ? v->size : value_size);
	err = bpf_map__set_initial_value(map, copy, size);
	free(copy);
	return err;
}

int nr_object_types(const struct nr_object *o, uint16_t id_base, struct nr_types *types,
		    const struct nr_logger *log)
{
	const struct btf *btf = o->named ?: bpf_object__btf(o->obj);

	return nr_events_register(o->name, btf, id_base, types, log);
}

void nr_object_close(struct nr_object *o)
{
	nr_object_detach(o);
	nr_targets_clear(o);
	if (o->own_obj)
		bpf_object__close(o->obj);
	if (o->close)
		o->close(o->ctx);
	btf__free(o->named);
	free(o->own_name);
	memset(o, 0, sizeof(*o));
}
