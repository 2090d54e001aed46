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
	bool quick, skew;
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

static void write_line(const struct sweep *s, const json_t *line)
{
	if (json_dumpf(line, s->out, LINE_FLAGS) || putc('\n', s->out) == EOF || fflush(s->out))
		err(BENCH_FAILED, "cannot write %s", s->output);
}

static void write_lines(const struct sweep *s, const json_t *lines)
{
	const json_t *line;

	for_each_row (line, lines)
		write_line(s, line);
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
	time_t now = time(NULL);
	char when[32];
	struct tm tm;
	json_t *host;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	host = json_pack("{s:s, s:s, s:o, s:o}", "kind", "host", "begun", when,
			 "producer_cpus_fill", placement_json(s->topo, "fill"),
			 "producer_cpus_spread", placement_json(s->topo, "spread"));
	json_object_update_new(host, host_json(s->topo));
	return host;
}

/* Creates the file, with what it begins with. */
static void create(struct sweep *s, const char *name)
{
	int fd = openat(s->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	s->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!s->out)
		errx(BENCH_FAILED, "cannot create %s: %s%s", s->output, strerror(errno),
		     errno == EEXIST && !s->resume ? "; --resume continues it" : "");
	write_line(s, s->file.host);
	write_lines(s, s->file.runs);
}

/* Takes what the file has, without a run that failed: it measured nothing, and is done again. */
static void read_begun(struct sweep *s)
{
	static const char *const same[] = { "kernel", "cpu_model", "topology", "numaring", NULL };
	const struct sweep_file now = s->file;

	s->file = sweep_read(s->output);
	if (!rows_agree(s->file.host, now.host, same))
		errx(BENCH_FAILED, "%s was measured on another host, kernel or version", s->output);
	json_decref(now.host);
	json_decref(now.runs);
	for (size_t i = json_array_size(s->file.runs); i-- > 0;)
		if (!json_object_get(json_array_get(s->file.runs, i), "seconds"))
			json_array_remove(s->file.runs, i);
}

/* Writes what the file had, without the medians and without a last line that was cut short. */
static void resume(struct sweep *s)
{
	char name[NAME_MAX + 8];

	read_begun(s);
	snprintf(name, sizeof(name), "%s.new", s->name);
	unlinkat(s->dir_fd, name, 0); /* what we left behind, or somebody else's link */
	create(s, name);
	if (renameat(s->dir_fd, name, s->dir_fd, s->name))
		err(BENCH_FAILED, "cannot replace %s", s->output);
}

/* Keeps the directory open: the owner of a parent directory may replace it during the sweep. */
static void open_output(struct sweep *s)
{
	s->dir_fd = open(s->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		err(BENCH_FAILED, "cannot create %s", s->output);
	s->file = (struct sweep_file){ .host = host_line(s), .runs = json_array() };
	if (s->resume && !faccessat(s->dir_fd, s->name, F_OK, 0))
		resume(s);
	else
		create(s, s->name);
}

/* ---- the sweep ---- */

static bool is_done(const struct sweep *s, const struct config *cfg, unsigned rep)
{
	json_auto_t *config = config_json(cfg);
	const json_t *row;

	for_each_row (row, s->file.runs)
		if (row_number(row, "rep") == rep &&
		    json_equal(json_object_get(row, "config"), config))
			return true;
	return false;
}

static void show_progress(const struct sweep *s, const struct config *cfg, const json_t *row)
{
	uint64_t passed = bench_now() - s->started;
	unsigned here = s->done - s->begun_with;
	unsigned left = here ? passed / 1e9 / here * (s->total - s->done) : 0;
	const json_t *above = json_object_get(json_object_get(row, "cost_ns"), "above_floor");
	double rate = row_number(row, "events_per_sec");
	char text[128];

	fprintf(stderr, "[%u/%u] %s: ", s->done, s->total, config_text(cfg, text, sizeof(text)));
	if (json_is_true(json_object_get(row, "valid")))
		fprintf(stderr, "%.*f M/s, %.1f %% lost, %.0f ns above the floor",
			rate < 1e6 ? 4 : 2, rate / 1e6, 100 * row_number(row, "lost_share"),
			json_number_value(above));
	else
		fprintf(stderr, "NOT VALID: %s", row_word(row, "reason"));
	fprintf(stderr, "; %u:%02u left\n", left / 60, left % 60);
}

static void do_run(struct sweep *s, const struct config *cfg, unsigned rep)
{
	json_t *row;

	s->done++;
	if (is_done(s, cfg, rep)) {
		s->begun_with++;
		return;
	}
	row = child_run(cfg);
	if (child_interrupted)
		errx(BENCH_FAILED, "interrupted; the same command with --resume continues %s",
		     s->output);
	json_object_set_new(row, "rep", json_integer(rep));
	write_line(s, row);
	json_array_append_new(s->file.runs, row);
	show_progress(s, cfg, row);
}

static bool has_axis(const struct axes *axes)
{
	for (unsigned i = 0; i < N_VALUES; i++)
		if (axes->list[i])
			return true;
	return false;
}

static void make_grid(struct sweep *s)
{
	int err;

	if (s->grid_path)
		err = grid_add_file(&s->grid, s->grid_path);
	else if (has_axis(&s->axes))
		err = grid_add(&s->grid, &s->axes);
	else if (s->skew)
		err = grid_add_skew(&s->grid, s->topo);
	else
		err = grid_add_default(&s->grid, s->topo, s->quick);
	if (err) /* explained */
		exit(err == -EINVAL && !s->grid_path ? BENCH_USAGE : BENCH_FAILED);
	if (!s->grid.n)
		errx(BENCH_FAILED, "the grid is empty");
	grid_settle(&s->grid, s->topo);
	for (unsigned i = 0; i < s->grid.n; i++)
		s->grid.cfg[i].directory = s->directory;
	s->total = s->grid.n * s->repeat;
}

static int finish(struct sweep *s)
{
	unsigned invalid = sweep_invalid(s->file.runs);
	json_auto_t *medians = sweep_medians(s->file.runs);

	write_lines(s, medians);
	if (invalid)
		warnx("%u of %zu runs are not valid; their rows say why", invalid,
		      json_array_size(s->file.runs));
	return invalid ? BENCH_FAILED : BENCH_DONE;
}

static int sweep(struct sweep *s)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	host_check();
	open_output(s);
	fprintf(stderr, "%u configurations, %" PRIu64 " times each, into %s\n", s->grid.n,
		s->repeat, s->output);
	s->started = bench_now();
	for (unsigned rep = 0; rep < s->repeat; rep++)
		for (unsigned i = 0; i < s->grid.n; i++)
			do_run(s, &s->grid.cfg[i], rep);
	return finish(s);
}

/* ---- the command ---- */

#define AT(field) .offset = offsetof(struct sweep, field)

static const struct opt own_options[] = {
	{ "quick", 0, NULL, "run a small grid, for a first look", OPTION_FLAG, AT(quick) },
	{ "skew", 0, NULL, "run a grid of uneven loads, for the loss", OPTION_FLAG, AT(skew) },
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
		       "host is run. A sweep that was interrupted continues with --resume.\n\n"
		       "Examples:\n"
		       "  numaring-bench sweep --quick -o my-host.jsonl\n"
		       "  numaring-bench sweep --producers 1,2,4 --transport single,cpu",
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
	if (s->quick + s->skew + has_axis(&s->axes) + !!s->grid_path > 1)
		errx(BENCH_USAGE, "--quick, --skew, --grid and lists exclude each other");
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
	static struct sweep s = { .repeat = 5 };

	parse(&s, argc, argv);
	name_output(&s);
	s.topo = bench_topology();
	make_grid(&s);
	return sweep(&s);
}
