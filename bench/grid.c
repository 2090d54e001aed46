// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which configurations a sweep has. */
#include "sweep.h"

/* All combinations of the values from number `which` on. */
static int expand(struct grid *grid, const struct axes *axes, unsigned which, struct config cfg)
{
	char *rest, *value;
	int err = 0;

	while (which < N_VALUES && !axes->list[which])
		which++;
	if (which == N_VALUES) {
		grid->cfg = bench_grow(grid->cfg, grid->n + 1, sizeof(cfg));
		grid->cfg[grid->n++] = cfg;
		return 0;
	}
	rest = strdupa(axes->list[which]);
	while (!err && (value = strsep(&rest, ","))) {
		err = option_set(&config_options[which], &cfg, value);
		if (err)
			option_refuse(&config_options[which], value);
		else
			err = expand(grid, axes, which + 1, cfg);
	}
	return err;
}

int grid_add(struct grid *grid, const struct axes *axes)
{
	return expand(grid, axes, 0, config_default);
}

/* Adds one line, without its comment; cuts it into words in place. */
static int add_line(struct grid *grid, char *line, const char *name, unsigned number)
{
	struct axes axes = { 0 };
	char *save, *word = strtok_r(line, " \t\r", &save);

	if (!word)
		return 0;
	for (; word; word = strtok_r(NULL, " \t\r", &save)) {
		int which = strncmp(word, "--", 2) ? -EINVAL : config_find(word + 2);
		char *list = strtok_r(NULL, " \t\r", &save);

		if (which < 0 || !list) {
			warnx("%s:%u: \"%s\" is not --NAME with a list of values", name, number,
			      word);
			return -EINVAL;
		}
		axes.list[which] = list;
	}
	return grid_add(grid, &axes);
}

/* Closes f; NULL: it could not be opened. */
static int add_lines(struct grid *grid, FILE *f, const char *name)
{
	char *line = NULL;
	unsigned number = 0;
	size_t size = 0;
	int err = 0;

	while (f && !err && getline(&line, &size, f) > 0) {
		line[strcspn(line, "#\n")] = 0;
		err = add_line(grid, line, name, ++number);
	}
	if (!err && (!f || ferror(f))) {
		err = -errno;
		warnx("%s: %s", name, strerror(-err));
	}
	free(line);
	if (f)
		fclose(f);
	return err;
}

int grid_add_text(struct grid *grid, const char *text, const char *name)
{
	return add_lines(grid, fmemopen((void *)text, strlen(text), "r"), name);
}

int grid_add_file(struct grid *grid, const char *path)
{
	return add_lines(grid, fopen(path, "re"), path);
}

/* ---- built-in grids ---- */

/* Lists 1, 2, 4... and all CPUs, at most `most` numbers. */
static void producer_list(char *buf, size_t size, unsigned cpus, unsigned most)
{
	unsigned steps = 0, factor = 2, len;

	for (unsigned n = 1; n < cpus; n *= 2)
		steps++;
	while (steps / (factor / 2) + 1 > most)
		factor *= 2;
	len = snprintf(buf, size, "1");
	for (unsigned long n = factor; n < cpus && len < size; n *= factor)
		len += snprintf(buf + len, size - len, ",%lu", n);
	if (cpus > 1 && len < size)
		snprintf(buf + len, size - len, ",%u", cpus);
}

/* numaring's transports that differ on this host: lanes, and rings of policies with more shards than any
 * before, which they divide. */
static void policy_list(char *buf, size_t size, const struct nr_topology *topo)
{
	static const char *const all[] = { "single", "package", "node", "llc", "cpu" };
	unsigned len = snprintf(buf, size, "lane"), most = 0;

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct nr_plan *plan = bench_plan(topo, all[i]);

		if (plan->n_shards > most && len < size)
			len += snprintf(buf + len, size - len, ",%s", all[i]);
		most = plan->n_shards > most ? plan->n_shards : most;
		nr_plan_free(plan);
	}
}

static const char quick_text[] =
	"--transport floor,%1$s,array-shared,perfbuf-fence,perfbuf,libbpf-nowakeup,libbpf"
	" --producers %2$s --duration 0.4\n"
	"--transport %1$s,perfbuf-fence,perfbuf --producers %3$u --duration 0.4"
	" --rate 10k,100k,1M\n"
	"--transport single,perfbuf-fence --producers %3$u --memory 1M,16M --duration 0.4\n"
	"--transport %1$s --producers %3$u --delivery trace --duration 0.4\n";

static const char full_text[] =
	"--transport floor,%1$s,array-shared,perfbuf-fence,perfbuf,libbpf-nowakeup,libbpf"
	" --producers %2$s --placement fill,spread\n"
	"--transport floor,%1$s,array-shared,perfbuf-fence,perfbuf,libbpf-nowakeup,libbpf"
	" --producers %3$u --rate 1k,3k,10k,30k,100k,300k,1M,3M\n"
	"--transport %1$s,perfbuf-fence,perfbuf --producers %3$u --rate 100k --burst 16,64\n"
	"--transport %1$s --producers %3$u --order rcu --rate 0,10k,100k\n"
	"--transport floor,%1$s,array-shared,perfbuf-fence,libbpf-nowakeup --producers %3$u"
	" --size 16,64,256,1024,4096\n"
	"--transport %1$s,perfbuf-fence --producers %3$u --memory 1M,4M,16M,64M\n"
	"--transport %1$s --producers %2$s --delivery trace --size 24,40\n";

/* The load where it is: on all CPUs, on those of a node, on one, and on one after the other. */
static const char skew_text[] = "--transport lane,node,cpu,perfbuf-fence --producers %1$u,%2$u,1"
				" --memory %3$zu,%4$zu,%5$zu --duration 0.5\n"
				"--transport lane,node,cpu,perfbuf-fence --producers %1$u --peak 10"
				" --memory %3$zu,%4$zu,%5$zu\n";

int grid_add_skew(struct grid *grid, const struct nr_topology *topo)
{
	struct nr_plan *nodes = bench_plan(topo, "node");
	struct config cfg = config_default;
	char text[1024];

	config_settle(&cfg, topo);
	snprintf(text, sizeof(text), skew_text, nr_topology_cpus(topo, NULL, 0),
		 nr_plan_shard_at(nodes, 0)->n_cpus, (size_t)cfg.memory / 16,
		 (size_t)cfg.memory / 4, (size_t)cfg.memory);
	nr_plan_free(nodes);
	return grid_add_text(grid, text, "the grid of skew");
}

int grid_add_default(struct grid *grid, const struct nr_topology *topo, bool quick)
{
	unsigned cpus = nr_topology_cpus(topo, NULL, 0);
	char policies[64], producers[128], text[2048];

	policy_list(policies, sizeof(policies), topo);
	producer_list(producers, sizeof(producers), cpus, quick ? 5 : 12);
	snprintf(text, sizeof(text), quick ? quick_text : full_text, policies, producers, cpus);
	return grid_add_text(grid, text, "the built-in grid");
}

static bool same_config(const struct config *a, const struct config *b)
{
	json_auto_t *x = config_json(a), *y = config_json(b);

	return json_equal(x, y);
}

void grid_settle(struct grid *grid, const struct nr_topology *topo)
{
	unsigned n = 0;

	for (unsigned i = 0; i < grid->n; i++) {
		struct config cfg = grid->cfg[i];
		unsigned k = 0;

		config_settle(&cfg, topo);
		while (k < n && !same_config(&grid->cfg[k], &cfg))
			k++;
		if (k == n)
			grid->cfg[n++] = cfg;
	}
	grid->n = n;
}
