// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "events.h"
#include "libbpf_log.h"
#include "object.h"
#include "trial.h"

/* The verifier takes up to some seconds for a large program. */
#define TRIAL_MS 120000

/* missing: there is no file of this name. */
static int opened(struct nr_object *o, const char *name, struct bpf_object *obj, int err,
		  bool missing, const struct nr_logger *log)
{
	char why[128];

	if (!obj && err == -ENOENT && !missing) { /* what libbpf calls it */
		nr_log(log, NR_LOG_ERROR, "%s has no BTF: build it with clang's -g", name);
		return -EINVAL;
	}
	if (!obj) {
		libbpf_strerror(err, why, sizeof(why));
		nr_log(log, NR_LOG_ERROR, "cannot read %s as a BPF object: %s", name, why);
		return err <= -__LIBBPF_ERRNO__START ? -EINVAL : err; /* libbpf's own numbers */
	}
	*o = (struct nr_object){ .own_name = strdup(name), .obj = obj, .own_obj = true };
	o->name = o->own_name ? o->own_name : "object";
	return 0;
}

/* Where an object is read from: a file, or memory if path is NULL. */
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

/* In the child: all that libbpf does with what the object says. Errors are told by the parent. */
static void try_image(void *arg)
{
	struct bpf_object *obj = open_image(arg);

	if (obj)
		bpf_object__load(obj);
	bpf_object__close(obj);
}

static const char *no_trial(int err)
{
	return err == -ECANCELED   ? "the child was killed"
	       : err == -ETIMEDOUT ? "the child hung, and was killed"
				   : strerror(-err);
}

/* libbpf trusts an object, and crashes on many that are damaged (1.1 on one in 80 that have one to
 * four bytes changed). So a child process goes first. */
static int check_image(struct image *image, const char *name, const struct nr_logger *log)
{
	int ret = nr_trial(try_image, image, TRIAL_MS);

	if (ret > 0) {
		nr_log(log, NR_LOG_ERROR,
		       "%s is damaged, libbpf crashes on it (%s): build it again", name,
		       strsignal(ret));
		return -EINVAL;
	}
	if (ret < 0) /* to go on is what its user asked for */
		nr_log(log, NR_LOG_WARN, "cannot try %s in a child process first: %s", name,
		       no_trial(ret));
	return 0;
}

static int open_object(struct nr_object *o, const char *name, const struct image *image,
		       const struct nr_logger *log)
{
	bool missing = image->path && access(image->path, F_OK);
	struct bpf_object *obj;
	int err;

	nr_libbpf_log_begin(log, NULL);
	obj = open_image(image);
	err = obj ? 0 : -errno;
	nr_libbpf_log_end();
	return opened(o, name, obj, err, missing, log);
}

int nr_object_open(struct nr_object *o, const char *path, const struct nr_logger *log)
{
	struct image image = { .path = path };

	return check_image(&image, path, log) ?: open_object(o, path, &image, log);
}

int nr_object_open_mem(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log)
{
	struct image image = { .name = name, .data = data, .size = size };

	return check_image(&image, name, log) ?: open_object(o, name, &image, log);
}

int nr_object_open_own(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log)
{
	const struct image image = { .name = name, .data = data, .size = size };

	return open_object(o, name, &image, log);
}

/* What its author opened may have been loaded since, by its author or by another collector. */
int nr_object_check_unloaded(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj) {
		if (bpf_program__fd(prog) < 0)
			continue;
		nr_log(log, NR_LOG_ERROR, "%s is loaded already: the collector has to load it",
		       o->name);
		return -EBUSY;
	}
	return 0;
}

int nr_object_adopt(struct nr_object *o, struct bpf_object *obj, const struct nr_logger *log)
{
	*o = (struct nr_object){ .name = bpf_object__name(obj), .obj = obj };
	return nr_object_check_unloaded(o, log);
}

int nr_object_types(const struct nr_object *o, uint16_t id_base, struct nr_types *types,
		    const struct nr_logger *log)
{
	return nr_events_enter(o->name, bpf_object__btf(o->obj), id_base, types, log);
}

void nr_object_close(struct nr_object *o)
{
	nr_object_detach(o);
	if (o->own_obj)
		bpf_object__close(o->obj);
	free(o->own_name);
	memset(o, 0, sizeof(*o));
}
