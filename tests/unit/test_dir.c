// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The directory of a trace: who may read it, who may record into it, and what others can do to
 * it. */
#include "trace_help.h"
#include <bpf/btf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/trace_files.h"
#include "output/dir.h"
#include "step_help.h"

#define OTHER 65534 /* another user and group */

static struct nr_types *types;
static struct writer *writer;

static struct nr_types *make_types(void)
{
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "unsigned int", 4, 0), id = btf__add_struct(btf, "point", 4);
	struct nr_types *made;

	assert_int_equal(btf__add_field(btf, "x", u32, 0, 0), 0);
	assert_int_equal(nr_types_new(&made, hear, NULL), 0);
	assert_int_equal(nr_types_add(made, 0, "point", btf, id), 0);
	btf__free(btf);
	return made;
}

static int begin(const char *path, struct writer_opts opts)
{
	opts.log = hear;
	said[0] = 0;
	return writer_open(&writer, path, types, &opts);
}

static void commit_packet(uint64_t ts, int err)
{
	const struct nr_record rec = { .ts = ts };
	const uint32_t x = 7;
	struct nr_event ev = { &rec, &x, sizeof(x), 0, ts };

	assert_int_equal(writer_append(writer, &ev, 1), 0);
	assert_int_equal(writer_commit(writer, ts, 0), err);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 0777;
}

static void expect_modes(const char *dir, unsigned dir_mode, unsigned file_mode)
{
	static const char *const names[] = { "metadata", ".btf", "stream" };

	assert_int_equal(mode_of(in_scratch("%s", dir)), dir_mode);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(mode_of(in_scratch("%s/%s", dir, names[i])), file_mode);
	assert_int_equal(mode_of(in_scratch("%s/.numaring.lock", dir)) & 077, 0);
}

static void test_modes(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	const gid_t group = getegid();

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		mode_t old = umask(masks[i]);

		if (!geteuid() || masks[i] != 0777) {
			assert_int_equal(begin(in_scratch("t"), (struct writer_opts){}), 0);
			expect_modes("t", 0700, 0600);
			writer_discard(writer);
			assert_int_equal(
				begin(in_scratch("t"), (struct writer_opts){ .group = &group }), 0);
			expect_modes("t", 0750, 0640);
			writer_discard(writer);
		}
		umask(old);
	}
}

static void test_group(void **state)
{
	const gid_t group = OTHER;
	struct stat st;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(begin(in_scratch("other"), (struct writer_opts){ .group = &group }), 0);
	assert_int_equal(writer_close(writer), 0);
	assert_int_equal(stat(in_scratch("other/stream"), &st), 0);
	assert_int_equal(st.st_gid, OTHER);
	assert_int_equal(stat(in_scratch("other"), &st), 0);
	assert_int_equal(st.st_gid, OTHER);
}

/* A group that we are not in is refused, and nothing is left. */
static void test_group_of_others(void **state)
{
	const gid_t group = 54321;
	int err;

	(void)state;
	if (geteuid())
		skip();
	chmod(scratch, 0711);
	mkdir(in_scratch("theirs"), 0700);
	assert_int_equal(chown(in_scratch("theirs"), OTHER, OTHER), 0);
	assert_int_equal(seteuid(OTHER), 0);
	err = begin(in_scratch("theirs/t"), (struct writer_opts){ .group = &group });
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, -EPERM);
	assert_non_null(strstr(said, "to group 54321"));
	assert_int_equal(rmdir(in_scratch("theirs")), 0);
}

/* An existing directory keeps its mode. Our files have our modes. */
static void test_mode_of_a_directory_that_is_there(void **state)
{
	(void)state;
	mkdir(in_scratch("there"), 0700);
	chmod(in_scratch("there"), 0755);
	assert_int_equal(begin(in_scratch("there"), (struct writer_opts){}), 0);
	expect_modes("there", 0755, 0600);
	writer_discard(writer);
	assert_int_equal(mode_of(in_scratch("there")), 0755);
	assert_int_equal(rmdir(in_scratch("there")), 0); /* the directory is empty */
}

/* ---- one recording at a time ---- */

static void test_locked(void **state)
{
	struct writer *first;

	(void)state;
	assert_int_equal(begin(in_scratch("one"), (struct writer_opts){}), 0);
	first = writer;
	assert_int_equal(begin(in_scratch("one"), (struct writer_opts){ .force = true }), -EBUSY);
	assert_non_null(strstr(said, "is being recorded into"));
	assert_int_equal(begin(in_scratch("one/000007"), (struct writer_opts){}), -EBUSY);
	assert_non_null(strstr(said, "is inside a trace that is being recorded"));
	assert_int_equal(access(in_scratch("one/000007"), F_OK), -1);
	assert_int_equal(writer_close(first), 0);
	assert_int_equal(access(in_scratch("one/.numaring.lock"), F_OK), -1);
	assert_int_equal(begin(in_scratch("one"), (struct writer_opts){ .force = true }), 0);
	assert_int_equal(writer_close(writer), 0);
}

/* Runs in a child, whose exit status says whether it could record alone for a while. */
static void record_at_once(const char *path)
{
	if (begin(path, (struct writer_opts){ .force = true, .start = 1 }))
		_exit(2);
	writer_keep(writer);
	usleep(2000);
	commit_packet(10, 0);
	_exit(writer_close(writer) ? 1 : 0);
}

/* Several recordings start at once with force: the first one has the trace until it ends. */
static void test_many_at_once(void **state)
{
	const char *path = strdup(in_scratch("many"));
	struct nr_trace *trace = NULL;

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		unsigned won = 0;
		int status;

		for (unsigned i = 0; i < 4; i++)
			if (!fork())
				record_at_once(path);
		while (wait(&status) > 0) {
			assert_true(WIFEXITED(status));
			assert_int_not_equal(WEXITSTATUS(status), 1);
			won += !WEXITSTATUS(status);
		}
		assert_true(won >= 1);
		assert_int_equal(nr_trace_open(&trace, path, NULL), 0);
		nr_trace_close(trace);
	}
	free((char *)path);
}

/* A reader sees that the trace is being recorded. It can neither prevent a recording nor stop
 * one. */
static void test_readers(void **state)
{
	struct flock all = { .l_type = F_RDLCK };
	int fd;

	(void)state;
	assert_int_equal(begin(in_scratch("readers"), (struct writer_opts){}), 0);
	fd = open(in_scratch("readers/stream"), O_RDONLY | O_CLOEXEC);
	assert_true(nr_stream_is_recorded(fd));
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &all), -1);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	commit_packet(10, 0);
	assert_int_equal(writer_close(writer), 0);
	assert_false(nr_stream_is_recorded(fd));
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &all), 0);
	assert_false(nr_stream_is_recorded(fd));
	assert_int_equal(begin(in_scratch("readers"), (struct writer_opts){ .force = true }), 0);
	assert_int_equal(writer_close(writer), 0);
	close(fd);
}

/* ---- starts that are interrupted ---- */

static char *metadata_of(const char *dir)
{
	return load_file(in_scratch("%s/metadata", dir), NULL);
}

/* The recorder is killed during its start: the next recording gives the old trace its names
 * back. */
static void test_killed_while_it_starts(void **state)
{
	const struct nr_trace_opts reader = { .sz = sizeof(reader), .log = hear };
	struct nr_trace *trace = NULL;
	char *before, *after;

	(void)state;
	assert_int_equal(begin(in_scratch("killed"), (struct writer_opts){}), 0);
	assert_int_equal(writer_close(writer), 0);
	before = metadata_of("killed");
	for (unsigned kept = 0; kept <= 3; kept++) { /* new files that it had made by then */
		static const char *const names[] = { "metadata", ".btf", "stream" };

		if (!fork()) {
			begin(in_scratch("killed"), (struct writer_opts){ .force = true });
			raise(SIGKILL);
		}
		wait(NULL);
		if (!nr_trace_open(&trace, in_scratch("killed"), &reader)) {
			nr_trace_close(trace);
			assert_non_null(strstr(said, "another trace under names with .old-"));
		}
		for (unsigned i = kept; i < 3; i++)
			assert_int_equal(unlink(in_scratch("killed/%s", names[i])), 0);
		assert_int_equal(begin(in_scratch("killed"), (struct writer_opts){}), -EEXIST);
		after = metadata_of("killed");
		assert_string_equal(before, after);
		free(after);
		assert_int_equal(access(in_scratch("killed/.old-stream"), F_OK), -1);
		assert_int_equal(access(in_scratch("killed/stream"), F_OK), 0);
	}
	free(before);
}

/* The recorder is killed while it removes the replaced trace: the new trace stays. */
static void test_killed_when_it_has_begun(void **state)
{
	char *before, *after;
	struct stat st;

	(void)state;
	assert_int_equal(begin(in_scratch("begun"), (struct writer_opts){}), 0);
	assert_int_equal(writer_close(writer), 0);
	save_file(in_scratch("begun/.old-stream"), "rest", 4);
	before = metadata_of("begun");
	assert_int_equal(begin(in_scratch("begun"), (struct writer_opts){}), -EEXIST);
	assert_int_equal(begin(in_scratch("begun"), (struct writer_opts){ .force = true }), 0);
	assert_int_equal(stat(in_scratch("begun/.old-stream"), &st), 0);
	assert_int_not_equal(st.st_size, 4);
	writer_discard(writer);
	after = metadata_of("begun");
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* ---- a series ---- */

static const struct nr_output_opts in_chunks = { .sz = sizeof(in_chunks), .rotate_bytes = 1 };

/* Records chunks 000000 to 000003, or without the first ones. */
static void make_series(const char *name, unsigned first)
{
	assert_int_equal(begin(in_scratch("%s", name), (struct writer_opts){ .trace = &in_chunks }),
			 0);
	for (unsigned ts = 1; ts < 5; ts++)
		commit_packet(10 * ts, 0);
	assert_int_equal(writer_finish(writer, &(struct nr_account){}), 0);
	writer_close(writer);
	for (unsigned i = 0; i < first; i++)
		remove_tree(in_scratch("%s/%06u", name, i));
}

static void make_flat(const char *name, unsigned packets)
{
	assert_int_equal(begin(in_scratch("%s", name), (struct writer_opts){}), 0);
	for (unsigned ts = 1; ts <= packets; ts++)
		commit_packet(10 * ts, 0);
	assert_int_equal(writer_finish(writer, &(struct nr_account){}), 0);
	writer_close(writer);
}

/* All files of a directory, as text. */
static char *everything_in(const char *name)
{
	char command[1200];

	snprintf(command, sizeof(command),
		 "cd '%s/%s' && find . -type f ! -name .numaring.lock | LC_ALL=C sort | "
		 "xargs sha256sum >'%s/everything'",
		 scratch, name, scratch);
	assert_int_equal(system(command), 0);
	return load_file(in_scratch("everything"), NULL);
}

static void expect_everything(const char *name, const char *before)
{
	char *after = everything_in(name);

	assert_string_equal(after, before);
	free(after);
}

static void test_series_is_a_trace(void **state)
{
	char *before;

	(void)state;
	make_series("series", 0);
	before = everything_in("series");
	assert_int_equal(begin(in_scratch("series"), (struct writer_opts){}), -EEXIST);
	assert_int_equal(begin(in_scratch("series"), (struct writer_opts){ .force = true }), 0);
	writer_discard(writer);
	expect_everything("series", before);
	assert_int_equal(begin(in_scratch("series"),
			       (struct writer_opts){ .force = true, .trace = &in_chunks }),
			 0);
	writer_discard(writer);
	expect_everything("series", before);
	assert_int_equal(begin(in_scratch("series"), (struct writer_opts){ .force = true }), 0);
	writer_keep(writer);
	writer_close(writer);
	assert_int_equal(access(in_scratch("series/stream"), F_OK), 0);
	assert_int_equal(access(in_scratch("series/000000"), F_OK), -1);
	assert_int_equal(access(in_scratch("series/.old-000000"), F_OK), -1);
	remove_tree(in_scratch("series"));
	free(before);
}

/* A directory that is not ours, or only partly. */
static void test_series_of_others(void **state)
{
	static const struct writer_opts force = { .force = true };

	(void)state;
	make_series("mixed", 0);
	make_flat("flat", 1);
	save_file(in_scratch("mixed/000002/notes"), "mine", 4);
	assert_int_equal(begin(in_scratch("mixed"), force), -ENOTEMPTY);
	assert_non_null(strstr(said, "(000002)"));
	assert_int_equal(unlink(in_scratch("mixed/000002/notes")), 0);
	save_file(in_scratch("mixed/000002/metadata"), "/* CTF 1.8 */", 13);
	assert_int_equal(begin(in_scratch("mixed"), force), -ENOTEMPTY);
	remove_tree(in_scratch("mixed/000002"));
	assert_int_equal(symlink("000001", in_scratch("mixed/000002")), 0);
	assert_int_equal(begin(in_scratch("mixed"), force), -ENOTEMPTY);
	assert_int_equal(unlink(in_scratch("mixed/000002")), 0);
	assert_int_equal(rename(in_scratch("flat/metadata"), in_scratch("mixed/metadata")), 0);
	assert_int_equal(begin(in_scratch("mixed"), force), -ENOTEMPTY);
	assert_non_null(strstr(said, "a trace beside chunks of another"));
	remove_tree(in_scratch("mixed"));
	remove_tree(in_scratch("flat"));
}

/* Replaces a trace, and is killed after so many steps. False: it was not. */
static bool replace_and_die(const struct nr_output_opts *how, unsigned after)
{
	int status;

	if (!fork()) {
		steps.n = 0;
		steps.kill_after = after;
		if (begin(in_scratch("t"), (struct writer_opts){ .force = true, .trace = how }))
			_exit(1);
		_exit(0);
	}
	wait(&status);
	assert_true(WIFSIGNALED(status) || !WEXITSTATUS(status));
	return WIFSIGNALED(status);
}

/* Killed at any step of a start, flat or not: the old trace comes back as it was. */
static void killed_while_it_replaces(bool series, unsigned first, const struct nr_output_opts *how)
{
	unsigned after = 0;
	char *before;
	bool killed;

	if (series)
		make_series("t", first);
	else
		make_flat("t", 2);
	before = everything_in("t");
	do {
		killed = replace_and_die(how, ++after);
		assert_int_equal(begin(in_scratch("t"), (struct writer_opts){}), -EEXIST);
		expect_everything("t", before);
	} while (killed);
	assert_true(after > 5);
	free(before);
	remove_tree(in_scratch("t"));
}

static void test_killed_at_any_step(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const struct nr_output_opts *how = i ? &in_chunks : NULL;

		killed_while_it_replaces(false, 0, how);
		killed_while_it_replaces(true, 0, how);
		killed_while_it_replaces(true, 2, how);
	}
}

/* Killed while it removes the old trace: the new one stays. */
static void test_killed_while_it_removes(void **state)
{
	unsigned after = 0;
	int status = 0;

	(void)state;
	do {
		make_series("t", 0);
		if (!fork()) {
			if (begin(in_scratch("t"), (struct writer_opts){ .force = true }))
				_exit(1);
			steps.n = 0;
			steps.kill_after = ++after;
			writer_keep(writer);
			_exit(0);
		}
		after++;
		wait(&status);
		assert_int_equal(begin(in_scratch("t"), (struct writer_opts){}), -EEXIST);
		assert_int_equal(access(in_scratch("t/stream"), F_OK), 0);
		assert_int_equal(begin(in_scratch("t"), (struct writer_opts){ .force = true }), 0);
		writer_keep(writer);
		writer_close(writer);
		assert_int_equal(access(in_scratch("t/.old-000003"), F_OK), -1);
		remove_tree(in_scratch("t"));
	} while (WIFSIGNALED(status));
	assert_true(after > 5);
}

/* The limit is reached in each of the files in turn; afterwards the old trace is complete again. */
static void test_file_limit_at_start(void **state)
{
	struct rlimit old, limit;
	char *before, *after;
	int err = -EFBIG;

	(void)state;
	assert_int_equal(begin(in_scratch("limit"), (struct writer_opts){}), 0);
	assert_int_equal(writer_close(writer), 0);
	before = metadata_of("limit");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (limit = old, limit.rlim_cur = 0; err; limit.rlim_cur += 40) {
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		err = begin(in_scratch("limit"), (struct writer_opts){ .force = true });
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		if (!err)
			break;
		assert_int_equal(err, -EFBIG);
		assert_non_null(strstr(said, "ulimit -f"));
		after = metadata_of("limit");
		assert_string_equal(before, after);
		free(after);
	}
	assert_true(limit.rlim_cur > 500);
	writer_discard(writer);
	free(before);
}

/* Files run out at each descriptor in turn: nothing new is left, and the old trace is complete. */
static void expect_no_descriptors(const char *path, bool force)
{
	struct rlimit old, limit;
	bool was = !access(path, F_OK);
	int err = -EMFILE;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (limit = old, limit.rlim_cur = 3; err; limit.rlim_cur++) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		err = begin(path, (struct writer_opts){ .force = force });
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (!err)
			break;
		assert_int_equal(err, -EMFILE);
		assert_int_equal(!access(path, F_OK), was);
	}
	writer_discard(writer);
}

static void test_no_descriptors(void **state)
{
	char *before, *after;

	(void)state;
	expect_no_descriptors(in_scratch("files"), false);
	assert_int_equal(begin(in_scratch("files"), (struct writer_opts){}), 0);
	assert_int_equal(writer_close(writer), 0);
	before = metadata_of("files");
	expect_no_descriptors(in_scratch("files"), true);
	after = metadata_of("files");
	assert_string_equal(before, after);
	free(before);
	free(after);
	make_series("no-files", 0);
	before = everything_in("no-files");
	expect_no_descriptors(in_scratch("no-files"), true);
	expect_everything("no-files", before);
	free(before);
	remove_tree(in_scratch("no-files"));
}

/* ---- interference by others ---- */

/* Moves the directory away and puts a link to target in its place. */
static void swap(const char *dir, const char *target)
{
	assert_int_equal(rename(dir, in_scratch("moved")), 0);
	assert_int_equal(symlink(target, dir), 0);
}

/* The recorder removes its files where it made them, whatever has taken their place. */
static void test_swapped_for_a_link(void **state)
{
	const char *victim = in_scratch("victim"), *dir;

	(void)state;
	mkdir(victim, 0700);
	save_file(in_scratch("victim/stream"), "precious", 8);
	save_file(in_scratch("victim/metadata"), "precious", 8);
	assert_int_equal(begin(in_scratch("swapped"), (struct writer_opts){}), 0);
	dir = in_scratch("swapped");
	swap(dir, in_scratch("victim"));
	writer_discard(writer);
	assert_int_equal(access(in_scratch("victim/stream"), F_OK), 0);
	assert_int_equal(access(in_scratch("victim/metadata"), F_OK), 0);
	assert_int_equal(rmdir(in_scratch("moved")), 0); /* empty */
	unlink(in_scratch("swapped"));

	/* Nor may the recorder remove somebody else's empty directory. */
	assert_int_equal(begin(in_scratch("swapped"), (struct writer_opts){}), 0);
	assert_int_equal(rename(in_scratch("swapped"), in_scratch("moved")), 0);
	mkdir(in_scratch("swapped"), 0700);
	writer_discard(writer);
	assert_int_equal(rmdir(in_scratch("swapped")), 0);
}

static atomic_bool stop;

/* The parent's owner interferes: the name is a directory, a link, and nothing, in turns. */
static void *swap_all_the_time(void *arg)
{
	char name[512], aside[512], link[512];

	(void)arg;
	snprintf(name, sizeof(name), "%s/race/t", scratch);
	snprintf(aside, sizeof(aside), "%s/race/aside", scratch);
	snprintf(link, sizeof(link), "%s/race/link", scratch);
	while (!atomic_load(&stop)) {
		usleep(random() % 100);
		if (rename(name, aside))
			continue;
		rename(link, name);
		usleep(random() % 100);
		rename(name, link);
		rmdir(aside); /* fails if the recorder has files in it */
	}
	return NULL;
}

static void test_swapped_all_the_time(void **state)
{
	unsigned begun = 0;
	pthread_t thread;

	(void)state;
	if (geteuid())
		skip();
	mkdir(in_scratch("race"), 0700);
	mkdir(in_scratch("race/victim"), 0700);
	save_file(in_scratch("race/victim/stream"), "precious", 8);
	assert_int_equal(symlink(in_scratch("race/victim"), in_scratch("race/link")), 0);
	assert_int_equal(lchown(in_scratch("race/link"), OTHER, OTHER), 0);
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, swap_all_the_time, NULL), 0);
	for (unsigned i = 0; i < 3000; i++) {
		if (begin(in_scratch("race/t"), (struct writer_opts){ .force = true }))
			continue;
		begun++;
		writer_discard(writer);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	printf("%u of 3000 had begun\n", begun);
	assert_int_equal(access(in_scratch("race/victim/stream"), F_OK), 0);
	assert_int_equal(access(in_scratch("race/victim/metadata"), F_OK), -1);
}

static void test_links(void **state)
{
	(void)state;
	mkdir(in_scratch("target"), 0700);
	assert_int_equal(symlink("target", in_scratch("link")), 0);
	assert_int_equal(symlink("target/../link//", in_scratch("chain")), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(begin(in_scratch(i ? "chain" : "link/"), (struct writer_opts){}),
				 0);
		writer_discard(writer);
		assert_int_equal(access(in_scratch("target"), F_OK), 0);
	}
	assert_int_equal(symlink("loop", in_scratch("loop")), 0);
	assert_int_equal(begin(in_scratch("loop"), (struct writer_opts){}), -EMLINK);
	if (geteuid())
		return;
	assert_int_equal(lchown(in_scratch("link"), OTHER, OTHER), 0);
	for (unsigned i = 0; i < 2; i++) { /* also through a link of ours */
		assert_int_equal(begin(in_scratch(i ? "chain" : "link"), (struct writer_opts){}),
				 -ELOOP);
		assert_non_null(strstr(said, "symbolic link of another user"));
		assert_int_equal(access(in_scratch("target/metadata"), F_OK), -1);
	}
	/* The lock's name may not be a link, either. */
	save_file(in_scratch("precious"), "precious", 8);
	assert_int_equal(symlink("../precious", in_scratch("target/.numaring.lock")), 0);
	assert_int_equal(begin(in_scratch("target"), (struct writer_opts){}), -ELOOP);
	assert_int_equal(access(in_scratch("precious"), F_OK), 0);
}

/* ---- changes to a stream while it is recorded ---- */

static void hole(const char *path, off_t off, off_t size)
{
	static const uint8_t zeros[65536];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* Not every file system has holes; to a reader, zeros look the same. */
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, size))
		assert_int_equal(pwrite(fd, zeros, size, off), size);
	close(fd);
}

static void overwrite(const char *path, off_t off, uint8_t byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &byte, 1, off), 1);
	close(fd);
}

static void copy_truncate(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}
static void cut(const char *path)
{
	assert_int_equal(truncate(path, 100), 0);
}
static void cut_and_grown(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, st.st_size), 0);
}
static void grown(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size + 1), 0);
}
static void removed(const char *path)
{
	assert_int_equal(unlink(path), 0);
}
static void renamed(const char *path)
{
	assert_int_equal(rename(path, in_scratch("rotated")), 0);
}
static void replaced(const char *path)
{
	char *text;
	size_t size;

	text = load_file(path, &size);
	removed(path);
	save_file(path, text, size);
	free(text);
}
static void punched(const char *path)
{
	hole(path, 8192, 4096);
}
static void magic(const char *path)
{
	overwrite(path, 0, 0);
}
static void lost_count(const char *path)
{
	overwrite(path, 64, 9);
}
static void metadata_removed(const char *path)
{
	(void)path;
	removed(in_scratch("changed/metadata"));
}
static void btf_cut(const char *path)
{
	(void)path;
	cut(in_scratch("changed/.btf"));
}

static const struct {
	void (*how)(const char *path);
	const char *said;
	bool at_once; /* the next packet is refused */
} changes[] = {
	{ copy_truncate, " to 0 bytes", true },
	{ cut, " to 100 bytes", true },
	{ cut_and_grown, "overwritten in packet 0", false },
	{ grown, "stream grew from ", true },
	{ removed, "stream was removed or renamed", true },
	{ renamed, "stream was removed or renamed", true },
	{ replaced, "stream was replaced by another file", true },
	{ punched, "overwritten in packet", false },
	{ magic, "overwritten in packet 0,", false },
	{ lost_count, "overwritten in packet 0,", false },
	{ metadata_removed, "metadata was removed or renamed", true },
	{ btf_cut, ".btf was truncated", true },
};

static const struct nr_account nothing = {};

/* Writes still succeed, so the recorder must check: before each packet, and again at the end. */
static void test_changed_by_others(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(changes) / sizeof(*changes); i++) {
		unsigned k = i / 2, more = i % 2;

		assert_int_equal(begin(in_scratch("changed"), (struct writer_opts){ .start = 1 }),
				 0);
		for (unsigned ts = 2; ts < 202; ts++)
			commit_packet(ts, 0);
		changes[k].how(in_scratch("changed/stream"));
		if (more)
			commit_packet(300, changes[k].at_once ? -ESTALE : 0);
		assert_int_equal(writer_finish(writer, &nothing), -ESTALE);
		if (!strstr(said, changes[k].said))
			fail_msg("change %u: %s", k, said);
		assert_non_null(strstr(said, "another program changed the trace"));
		writer_close(writer);
		remove_tree(in_scratch("changed"));
	}
}

/* Some file systems store zeros as holes. A hole is accepted if the packet's checksum is right. */
static void test_hole_of_zeros(void **state)
{
	static const uint8_t zeros[65536];
	const struct nr_record rec = { .ts = 10, .id = 999 };
	struct nr_event ev = { &rec, zeros, sizeof(zeros), 0, 10 };

	(void)state;
	assert_int_equal(begin(in_scratch("zeros"), (struct writer_opts){ .start = 1 }), 0);
	assert_int_equal(writer_append(writer, &ev, 1), 0);
	assert_int_equal(writer_commit(writer, 11, 0), 0);
	commit_packet(20, 0);
	hole(in_scratch("zeros/stream"), 8192, 16384);
	assert_int_equal(writer_finish(writer, &nothing), 0);
	assert_int_equal(writer_close(writer), 0);
}

static int setup(void **state)
{
	types = make_types();
	return make_scratch(state);
}

static int teardown(void **state)
{
	nr_types_free(types);
	return remove_scratch(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_group_of_others),
		cmocka_unit_test(test_mode_of_a_directory_that_is_there),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_killed_while_it_starts),
		cmocka_unit_test(test_killed_when_it_has_begun),
		cmocka_unit_test(test_series_is_a_trace),
		cmocka_unit_test(test_series_of_others),
		cmocka_unit_test(test_killed_at_any_step),
		cmocka_unit_test(test_killed_while_it_removes),
		cmocka_unit_test(test_file_limit_at_start),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_swapped_for_a_link),
		cmocka_unit_test(test_swapped_all_the_time),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_changed_by_others),
		cmocka_unit_test(test_hole_of_zeros),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
