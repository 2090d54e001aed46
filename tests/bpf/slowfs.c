// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A file system with one file, whose reads and writes take a known time: for disks that are slow in a
 * known way.
 *
 *	slowfs DIR MIB MS	mounts it at DIR; DIR/disk has this size
 *
 * Ends when it is unmounted. What is written is forgotten; reads give zeros.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MOST (128 << 10) /* bytes of a read or write */
#define ROOT 1
#define DISK 2

static int fd;
static uint64_t disk_size;
static unsigned ms;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	struct fuse_out_header out = { .len = sizeof(out) + size,
				       .error = -error,
				       .unique = in->unique };
	const struct iovec parts[] = { { &out, sizeof(out) }, { (void *)data, size } };

	/* The kernel may have given up the request. */
	need(writev(fd, parts, 2) >= 0 || errno == ENOENT, "reply");
}

static void wait_long(void)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&t, NULL);
}

static struct fuse_attr attr_of(uint64_t node)
{
	bool is_root = node == ROOT;

	return (struct fuse_attr){
		.ino = node,
		.size = is_root ? 0 : disk_size,
		.blocks = is_root ? 0 : disk_size / 512,
		.mode = is_root ? S_IFDIR | 0700 : S_IFREG | 0600,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void init(const struct fuse_in_header *in, const struct fuse_init_in *asked)
{
	const struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = asked->max_readahead,
		.max_background = 16,
		.congestion_threshold = 12,
		.max_write = MOST,
		.time_gran = 1,
	};

	reply(in, 0, &out, sizeof(out));
}

static void lookup(const struct fuse_in_header *in, const char *name)
{
	const struct fuse_entry_out out = {
		.nodeid = DISK, .entry_valid = 3600, .attr_valid = 3600, .attr = attr_of(DISK)
	};

	if (strcmp(name, "disk"))
		reply(in, ENOENT, NULL, 0);
	else
		reply(in, 0, &out, sizeof(out));
}

static void getattr(const struct fuse_in_header *in)
{
	const struct fuse_attr_out out = { .attr_valid = 3600, .attr = attr_of(in->nodeid) };

	reply(in, 0, &out, sizeof(out));
}

static void open_file(const struct fuse_in_header *in)
{
	const struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO }; /* no page cache */

	reply(in, 0, &out, sizeof(out));
}

static void read_file(const struct fuse_in_header *in, const struct fuse_read_in *what)
{
	static const char zeros[MOST];

	wait_long();
	reply(in, 0, zeros, what->size < MOST ? what->size : MOST);
}

static void write_file(const struct fuse_in_header *in, const struct fuse_write_in *what)
{
	const struct fuse_write_out out = { .size = what->size };

	wait_long();
	reply(in, 0, &out, sizeof(out));
}

static void serve(const struct fuse_in_header *in)
{
	const void *data = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:
		init(in, data);
		break;
	case FUSE_LOOKUP:
		lookup(in, data);
		break;
	case FUSE_GETATTR:
		getattr(in);
		break;
	case FUSE_OPEN:
		open_file(in);
		break;
	case FUSE_READ:
		read_file(in, data);
		break;
	case FUSE_WRITE:
		write_file(in, data);
		break;
	case FUSE_FSYNC:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(in, 0, NULL, 0);
		break;
	case FUSE_FORGET: /* these want no reply */
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(in, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static _Alignas(8) char request[MOST + FUSE_MIN_READ_BUFFER];
	char opts[64];
	ssize_t n;

	if (argc != 4) {
		fputs("usage: slowfs DIR MIB MS\n", stderr);
		return 2;
	}
	disk_size = strtoull(argv[2], NULL, 10) << 20;
	ms = strtoul(argv[3], NULL, 10);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	need(fd >= 0, "/dev/fuse");
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	need(!mount("slowfs", argv[1], "fuse.slowfs", MS_NOSUID | MS_NODEV, opts), argv[1]);
	while ((n = read(fd, request, sizeof(request))) >= 0 || errno == EINTR || errno == ENOENT)
		if (n > 0)
			serve((const struct fuse_in_header *)request);
	need(errno == ENODEV, "request"); /* unmounted */
	return 0;
}
