/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring new: writes a BPF object of the user's own, ready to build. */
#include <argp.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "help.h"

#define NAME_MAX_CHARS 32
#define NAME_MARK      "@NAME@"

extern const char new_object_bpf_c_in[], new_Makefile_in[], new_README_md_in[];

struct args {
	const char *name, *dir;
};

static bool is_name(const char *s)
{
	size_t len = strlen(s);

	if (!len || len > NAME_MAX_CHARS || isdigit((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "unexpected argument \"%s\"", arg);
		*(state->arg_num ? &args->dir : &args->name) = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a name is missing: numaring new NAME");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse_opt,
	.args_doc = "NAME [DIR]",
	.doc = help_new_txt,
};

/* ---- files ---- */

/* Prints the text with the name in place of each mark. */
static void print_named(FILE *out, const char *text, const char *name)
{
	const char *mark;

	for (; (mark = strstr(text, NAME_MARK)); text = mark + strlen(NAME_MARK)) {
		fwrite(text, 1, mark - text, out);
		fputs(name, out);
	}
	fputs(text, out);
}

static int write_file(int dir, const char *file, const char *text, const char *name)
{
	int fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), err = 0;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	print_named(out, text, name);
	if (ferror(out))
		err = -errno;
	if (fclose(out) && !err)
		err = -errno;
	if (err)
		unlinkat(dir, file, 0);
	return err;
}

static int write_files(int dir, const struct args *args)
{
	char object[NAME_MAX_CHARS + 8];
	const struct {
		const char *file, *text;
	} files[] = {
		{ object, new_object_bpf_c_in },
		{ "Makefile", new_Makefile_in },
		{ "README.md", new_README_md_in },
	};
	const size_t n = sizeof(files) / sizeof(files[0]);

	snprintf(object, sizeof(object), "%s.bpf.c", args->name);
	for (size_t i = 0; i < n; i++) {
		int err = write_file(dir, files[i].file, files[i].text, args->name);

		if (!err)
			continue;
		cli_error("cannot write %s/%s: %s", args->dir, files[i].file, strerror(-err));
		while (i-- > 0)
			unlinkat(dir, files[i].file, 0);
		return err;
	}
	return 0;
}

/* ---- the directory ---- */

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool empty = d;

	while (empty && (e = readdir(d)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

/* Makes the directory, or takes an empty one. Returns its descriptor, or -1 after a message. */
static int open_directory(const char *path, bool *made)
{
	int fd;

	*made = !mkdir(path, 0777);
	if (!*made && errno != EEXIST) {
		cli_error("cannot make the directory %s: %s", path, strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		cli_error("cannot open the directory %s: %s", path, strerror(errno));
	} else if (!*made && !is_empty(path)) {
		cli_error("%s is not empty: name another directory, as in numaring new NAME DIR",
			  path);
		close(fd);
		return -1;
	}
	return fd;
}

/* Prints text as a word for a shell. */
static void print_word(const char *text)
{
	bool plain = *text && *text != '-';

	for (const char *p = text; *p; p++)
		plain &= isalnum((unsigned char)*p) || strchr("_./-+,:@%", *p);
	if (plain) {
		fputs(text, stdout);
		return;
	}
	putchar('\'');
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	putchar('\'');
}

static void print_next(const struct args *args)
{
	printf("Wrote %s.bpf.c, Makefile and README.md. Next:\n  make -C ", args->name);
	print_word(args->dir);
	fputs("\n  sudo numaring record -d 5 -o trace --object ", stdout);
	print_word(args->dir);
	printf("/%s.bpf.o\n", args->name);
}

int cmd_new(int argc, char **argv)
{
	struct args args = {};
	bool made;
	int dir, err;

	cli_parse(&argp, argc, argv, 0, &args);
	if (!is_name(args.name)) {
		cli_error("invalid name \"%s\": use letters, digits and _, no digit first, at most "
			  "%d",
			  args.name, NAME_MAX_CHARS);
		return CLI_USAGE;
	}
	args.dir = args.dir ?: args.name;
	dir = open_directory(args.dir, &made);
	if (dir < 0)
		return CLI_FAILED;
	err = write_files(dir, &args);
	close(dir);
	if (err && made)
		rmdir(args.dir);
	if (err)
		return CLI_FAILED;
	print_next(&args);
	if (!fflush(stdout) && !ferror(stdout))
		return CLI_DONE;
	cli_error("wrote the files, but cannot write to standard output: %s", strerror(errno));
	return CLI_FAILED;
}
