// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs of interfaces (tc, XDP), cgroups and network namespaces. */
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>
#include "cgroup.h"
#include "target.h"
#include "tc.h"

static int check_interface(struct nr_target *t, const struct nr_logger *log)
{
	if (if_nametoindex(t->text))
		return 0;
	return nr_target_refuse(t, -ENOENT,
				"there is no such network interface; ip link lists them", log);
}

static bool parse_tc(const char *text, int *ifindex, enum bpf_tc_attach_point *point)
{
	const char *colon = strrchr(text, ':');
	char name[IF_NAMESIZE];

	if (!colon || colon - text >= IF_NAMESIZE)
		return false;
	*point = !strcmp(colon, ":ingress")  ? BPF_TC_INGRESS
		 : !strcmp(colon, ":egress") ? BPF_TC_EGRESS
					     : 0;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
	*ifindex = if_nametoindex(name);
	return *point;
}

static int check_tc(struct nr_target *t, const struct nr_logger *log)
{
	enum bpf_tc_attach_point point;
	int ifindex;

	if (!parse_tc(t->text, &ifindex, &point))
		return nr_target_refuse(t, -EINVAL, NULL, log);
	if (!ifindex)
		return nr_target_refuse(
			t, -ENOENT, "there is no such network interface; ip link lists them", log);
	return 0;
}

static int attach_tc(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log)
{
	enum bpf_tc_attach_point point;
	int ifindex, err;

	parse_tc(t->text, &ifindex, &point);
	err = nr_tc_attach(o, t->prog, ifindex, point);
	return !err ? 0
		    : nr_target_failed(t, err,
				       err == -ENODEV ? "the network interface has gone" : NULL,
				       log);
}

static const char *explain_xdp(const struct nr_target *t, int err)
{
	(void)t;
	if (err == -EBUSY || err == -EEXIST)
		return "another XDP program is attached to it; ip link shows which, and ip link "
		       "set "
		       "dev IFACE xdp off detaches it";
	if (err == -EOPNOTSUPP || err == -EINVAL)
		return "its driver or its MTU does not allow XDP; use a tc program";
	return NULL;
}

static int attach_xdp(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log)
{
	return nr_target_keep(o, t, bpf_program__attach_xdp(t->prog, if_nametoindex(t->text)),
			      explain_xdp, log);
}

static int attach_cgroup(struct nr_object *o, const struct nr_target *t,
			 const struct nr_logger *log)
{
	int fd = nr_cgroup_open(t->text, log), err;

	if (fd < 0)
		return fd;
	err = nr_target_keep(o, t, bpf_program__attach_cgroup(t->prog, fd), NULL, log);
	close(fd);
	return err;
}

static int check_cgroup(struct nr_target *t, const struct nr_logger *log)
{
	int fd = nr_cgroup_open(t->text, log);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int attach_netns(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log)
{
	int fd = open(t->text, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return nr_target_failed(t, -errno, NULL, log);
	err = nr_target_keep(o, t, bpf_program__attach_netns(t->prog, fd), NULL, log);
	close(fd);
	return err;
}

const struct nr_target_kind nr_target_xdp = {
	.form = "INTERFACE, as in eth0",
	.check = check_interface,
	.attach = attach_xdp,
};

const struct nr_target_kind nr_target_cgroup = {
	.form = "CGROUP, the path of its directory or what /proc/PID/cgroup shows after \"0::\", "
		"as in "
		"/system.slice",
	.check = check_cgroup,
	.attach = attach_cgroup,
};

const struct nr_target_kind nr_target_netns = {
	.form = "NETNS, the path of a network namespace, as in /proc/self/ns/net",
	.attach = attach_netns,
};

const struct nr_target_kind nr_target_tc = {
	.form = "INTERFACE:ingress or INTERFACE:egress, as in eth0:ingress",
	.check = check_tc,
	.attach = attach_tc,
};
