// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring-bench sweep: many configurations, each in a process of its own, interleaved. */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>
#include "sweep.h"

#define LINE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(6))

struct sweep {
	struct axes axes;
	const char *grid_path;
	bool quick;
	uint64_t repeat;
	bool resume;
	const char *output;
	char default_output[64];
	char directory[PATH_MAX]; /* of the output: traces go there too */
	const char *name;	  /* of the output in that directory */
	int dir_fd;		  /* that directory */

	struct nr_topology *topo;
	struct grid grid;
	struct sweep_file file;
	FILE *out;
	unsigned done, total;
	unsigned begun_with; /* done before this process */
	uint64_t started;
};

static void on_signal(int signal)
{
	(void)signal;
	child_interrupted = 1;
}

/* ---- the file ---- */

static int write_line(struct sweep *s, const json_t *line)
{
	if (json_dumpf(line, s->out, LINE_FLAGS) || putc('\n', s->out) == EOF || fflush(s->out)) {
		bench_error("cannot write %s: %s", s->output, strerror(errno));
		return -EIO;
	}
	return 0;
}

static int write_lines(struct sweep *s, const json_t *lines)
{
	const json_t *line;

	for_each_row (line, lines)
		if (write_line(s, line))
			return -EIO;
	return 0;
}

static json_t *placement_json(const struct nr_topology *topo, const char *how)
{
	unsigned *cpus = NULL, n = 0;
	json_t *list;

	placement(topo, how, &cpus, &n);
	list = cpus_json(cpus, n);
	free(cpus);
	return list;
}

static json_t *host_line(const struct sweep *s)
{
	json_t *host = host_json(s->topo);
	time_t now = time(NULL);
	char when[32];
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	json_object_set_new(host, "kind", json_string("host"));
	json_object_set_new(host, "begun", json_string(when));
	json_object_set_new(host, "producer_cpus_fill", placement_json(s->topo, "fill"));
	json_object_set_new(host, "producer_cpus_spread", placement_json(s->topo, "spread"));
	return host;
}

static FILE *create(const struct sweep *s, const char *name)
{
	int fd = openat(s->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

/* Writes what the file had, without the medians and without a last line that was cut short. */
static int rewrite(struct sweep *s)
{
	char name[NAME_MAX + 8];
	int err;

	snprintf(name, sizeof(name), "%s.new", s->name);
	unlinkat(s->dir_fd, name, 0); /* what we left behind, or somebody else's link */
	s->out = create(s, name);
	if (!s->out) {
		bench_error("cannot create %s.new: %s", s->output, strerror(errno));
		return -EIO;
	}
	err = write_line(s, s->file.host);
	if (!err)
		err = write_lines(s, s->file.runs);
	if (!err && renameat(s->dir_fd, name, s->dir_fd, s->name)) {
		bench_error("cannot replace %s: %s", s->output, strerror(errno));
		err = -EIO;
	}
	return err;
}

/* A run that failed measured nothing: it has to be done again. */
static void drop_failed(json_t *runs)
{
	for (size_t i = json_array_size(runs); i-- > 0;)
		if (!json_object_get(json_array_get(runs, i), "seconds"))
			json_array_remove(runs, i);
}

static int resume(struct sweep *s, json_t *host)
{
	static const char *const same[] = { "kernel", "cpu_model", "topology", "numaring", NULL };
	int err = sweep_read(&s->file, s->output);

	if (err)
		return err;
	if (!rows_agree(s->file.host, host, same)) {
		bench_error("%s was measured on another host, kernel or version", s->output);
		return -EINVAL;
	}
	drop_failed(s->file.runs);
	return rewrite(s);
}

static int begin(struct sweep *s, json_t *host)
{
	s->file = (struct sweep_file){ .host = json_incref(host), .runs = json_array() };
	s->out = create(s, s->name);
	if (!s->out) {
		bench_error("cannot create %s: %s%s", s->output, strerror(errno),
			    errno == EEXIST ? "; --resume continues it" : "");
		return -errno;
	}
	return write_line(s, host);
}

/* Keeps the directory open: the owner of a parent directory may replace it during the sweep. */
static int open_output(struct sweep *s)
{
	json_t *host;
	int err;

	s->dir_fd = open(s->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0) {
		bench_error("cannot create %s: %s", s->output, strerror(errno));
		return -EIO;
	}
	host = host_line(s);
	if (s->resume && !faccessat(s->dir_fd, s->name, F_OK, 0))
		err = resume(s, host);
	else
		err = begin(s, host);
	json_decref(host);
	return err;
}

/* ---- the sweep ---- */

static bool is_done(const struct sweep *s, const struct config *cfg, unsigned rep)
{
	json_t *config = config_json(cfg);
	const json_t *row;
	bool done = false;

	for_each_row (row, s->file.runs)
		done |= row_number(row, "rep") == rep &&
			json_equal(json_object_get(row, "config"), config);
	json_decref(config);
	return done;
}

static void show_progress(const struct sweep *s, const struct config *cfg, const json_t *row)
{
	uint64_t passed = bench_now() - s->started;
	unsigned here = s->done - s->begun_with;
	unsigned left = here ? passed / 1e9 / here * (s->total - s->done) : 0;
	double rate = row_number(row, "events_per_sec");
	char text[128];

	fprintf(stderr, "[%u/%u] %s: ", s->done, s->total, config_text(cfg, text, sizeof(text)));
	if (json_is_true(json_object_get(row, "valid")))
		fprintf(stderr, "%.*f M/s, %.1f %% lost", rate < 1e6 ? 4 : 2, rate / 1e6,
			100 * row_number(row, "lost_share"));
	else
		fprintf(stderr, "NOT VALID: %s", row_word(row, "reason"));
	fprintf(stderr, "; %u:%02u left\n", left / 60, left % 60);
}

static int do_run(struct sweep *s, const struct config *cfg, unsigned rep)
{
	json_t *row;
	int err;

	s->done++;
	if (is_done(s, cfg, rep)) {
		s->begun_with++;
		return 0;
	}
	row = child_run(cfg);
	if (child_interrupted) {
		json_decref(row);
		bench_error("interrupted; the same command with --resume continues %s", s->output);
		return -EINTR;
	}
	json_object_set_new(row, "rep", json_integer(rep));
	err = write_line(s, row);
	json_array_append(s->file.runs, row);
	show_progress(s, cfg, row);
	json_decref(row);
	return err;
}

static bool has_axis(const struct axes *axes)
{
	for (unsigned i = 0; i < N_VALUES; i++)
		if (axes->list[i])
			return true;
	return false;
}

static int make_grid(struct sweep *s)
{
	int err;

	if (s->grid_path)
		err = grid_add_file(&s->grid, s->grid_path);
	else if (has_axis(&s->axes))
		err = grid_add(&s->grid, &s->axes);
	else
		err = grid_add_default(&s->grid, s->topo, s->quick);
	if (err)
		return err;
	grid_settle(&s->grid, s->topo);
	for (unsigned i = 0; i < s->grid.n; i++)
		s->grid.cfg[i].directory = s->directory;
	s->total = s->grid.n * s->repeat;
	if (s->grid.n)
		return 0;
	bench_error("the grid is empty");
	return -ENODATA;
}

static int finish(struct sweep *s)
{
	json_t *medians = sweep_medians(s->file.runs);
	unsigned invalid = sweep_invalid(s->file.runs);
	int err = write_lines(s, medians);

	json_decref(medians);
	if (err || !invalid)
		return err;
	bench_error("%u of %zu runs are not valid; their rows say why", invalid,
		    json_array_size(s->file.runs));
	return -EBADMSG;
}

static int sweep(struct sweep *s)
{
	const struct sigaction action = { .sa_handler = on_signal };
	int err;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	host_warn_emulated();
	err = host_check();
	if (!err)
		err = open_output(s);
	if (err)
		return err;
	fprintf(stderr, "%u configurations, %" PRIu64 " times each, into %s\n", s->grid.n,
		s->repeat, s->output);
	s->started = bench_now();
	for (unsigned rep = 0; !err && rep < s->repeat; rep++)
		for (unsigned i = 0; !err && i < s->grid.n; i++)
			err = do_run(s, &s->grid.cfg[i], rep);
	return err ? err : finish(s);
}

/* ---- the command ---- */

#define AT(field) .offset = offsetof(struct sweep, field)

static const struct opt own_options[] = {
	{ "quick", 0, NULL, "run a small grid, for a first look", OPTION_FLAG, AT(quick) },
	{ "grid", 0, "FILE",
	  "a file with lines of --NAME LIST, with the names of the other options", OPTION_TEXT,
	  AT(grid_path) },
	{ "repeat", 0, "N", "how often to run each configuration, 1 to 1000 (default: 5)",
	  OPTION_COUNT, AT(repeat), .number = { 1, 1000 } },
	{ "resume", 0, NULL, "leave out what the file has already", OPTION_FLAG, AT(resume) },
	{ "output", 'o', "FILE", "JSON Lines (default: numaring-bench-YYYYmmdd-HHMMSS.jsonl)",
	  OPTION_TEXT, AT(output) },
};
#define N_OWN (sizeof(own_options) / sizeof(own_options[0]))

static void parse(struct sweep *s, int argc, char **argv)
{
	struct opt options[N_OWN + N_VALUES];
	const struct command_line line = {
		.doc = "Measure a grid of configurations, each several times, interleaved.\v"
		       "LIST is values separated by commas. Without a grid, one that suits this "
		       "host is run. A sweep that was interrupted continues with --resume.",
		.options = options,
		.n_options = N_OWN + N_VALUES,
		.base = s,
	};

	memcpy(options, own_options, sizeof(own_options));
	for (unsigned i = 0; i < N_VALUES; i++)
		options[N_OWN + i] = (struct opt){
			.name = config_options[i].name,
			.key = config_options[i].key,
			.arg = "LIST",
			.help = config_options[i].help,
			.kind = OPTION_TEXT,
			AT(axes.list[i]),
			.group = 1,
		};
	options_parse(&line, argc, argv);
	if (s->quick + has_axis(&s->axes) + !!s->grid_path > 1)
		bench_die(BENCH_USAGE, "--quick, --grid and lists exclude each other");
}

static void name_output(struct sweep *s)
{
	char copy[PATH_MAX];
	const char *slash;
	time_t now = time(NULL);
	struct tm tm;

	strftime(s->default_output, sizeof(s->default_output), "numaring-bench-%Y%m%d-%H%M%S.jsonl",
		 localtime_r(&now, &tm));
	if (!s->output)
		s->output = s->default_output;
	slash = strrchr(s->output, '/');
	s->name = slash ? slash + 1 : s->output;
	snprintf(copy, sizeof(copy), "%s", s->output);
	strcpy(s->directory, dirname(copy));
}

int cmd_sweep(int argc, char **argv)
{
	struct sweep s = { .repeat = 5, .dir_fd = -1 };
	enum bench_exit failed = BENCH_FAILED;
	int err;

	parse(&s, argc, argv);
	name_output(&s);
	s.topo = bench_topology();
	err = make_grid(&s);
	if (err == -EINVAL && !s.grid_path)
		failed = BENCH_USAGE;
	if (!err)
		err = sweep(&s);
	if (s.out)
		fclose(s.out);
	if (s.dir_fd >= 0)
		close(s.dir_fd);
	sweep_free(&s.file);
	grid_free(&s.grid);
	nr_topology_free(s.topo);
	return err ? failed : BENCH_DONE;
}
