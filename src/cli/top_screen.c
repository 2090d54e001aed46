// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The screen: two lines about the recording, one with the keys, and a table that scrolls. */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "cli.h"
#include "top.h"

#define HEAD_LINES 4

static struct {
	SCREEN *screen;	  /* NULL: not open */
	int messages;	  /* what stderr leads to while the screen is open; -1: nothing does */
	int saved_stderr; /* where it leads otherwise */
	const struct top_view *view;
	struct top_table table;
	unsigned first; /* row at the top */
	bool help;
} screen;

/* Messages would be written across the picture, so a file in memory takes them. */
static void hold_messages(void)
{
	screen.messages = memfd_create("messages", MFD_CLOEXEC);
	screen.saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (screen.messages >= 0 && screen.saved_stderr >= 0)
		dup2(screen.messages, STDERR_FILENO);
}

static void release_messages(void)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;

	if (screen.messages < 0 || screen.saved_stderr < 0)
		return;
	dup2(screen.saved_stderr, STDERR_FILENO);
	for (; (n = pread(screen.messages, buf, sizeof(buf), at)) > 0; at += n)
		cli_eprintf("%.*s", (int)n, buf);
	close(screen.messages);
	close(screen.saved_stderr);
}

static int refuse_terminal(const char *why)
{
	const char *term = getenv("TERM");

	cli_error("the terminal type \"%s\" %s: set TERM, or use a pipe: numaring top | cat",
		  term ? term : "", why);
	return -EINVAL;
}

/* "dumb" cannot. */
static bool can_move_cursor(void)
{
	return tigetstr("cup");
}

int top_screen_open(const struct top_view *view)
{
	setlocale(LC_CTYPE, "");
	screen.view = view;
	screen.screen = newterm(NULL, stdout, stdin);
	if (!screen.screen)
		return refuse_terminal("is unknown");
	if (!can_move_cursor()) {
		endwin();
		delscreen(screen.screen);
		screen.screen = NULL;
		return refuse_terminal("has no screen");
	}
	hold_messages();
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	return 0;
}

void top_screen_close(void)
{
	if (!screen.screen)
		return;
	endwin();
	delscreen(screen.screen);
	screen.screen = NULL;
	release_messages();
	free(screen.table.rows);
	screen.table = (struct top_table){};
}

/* ---- drawing ---- */

static void draw_line(int y, const char *text, attr_t attributes)
{
	if (y >= LINES)
		return;
	attrset(attributes);
	mvaddnstr(y, 0, text, COLS);
	if (attributes & A_REVERSE)
		mvchgat(y, 0, -1, attributes, 0, NULL);
	attrset(A_NORMAL);
}

static void draw_keys(bool paused)
{
	move(2, 0);
	for (unsigned i = 0; i < TOP_VIEWS; i++) {
		const struct top_view *v = &top_views[i];

		attrset(v == screen.view ? A_BOLD | A_UNDERLINE : A_NORMAL);
		printw("%c:%s", v->key, v->name);
		attrset(A_NORMAL);
		addstr("  ");
	}
	addstr(paused ? "PAUSED" : "h:help  q:quit");
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"t p c n s l   events by type, by task, by CPU, by node, by shard; latencies",
		"up down       scroll; also page up, page down and home",
		"space         stop the picture; space again goes on, and nothing was missed",
		"h ?           this help; any key leaves it",
		"q             quit",
		"",
		"LATENCY       of events that ended in the interval; EVER: the longest so far",
		"LONGEST       the longest duration in the task's events of the interval",
		"FILL PEAK     of the ring or lanes, now and so far",
		"LAG           how old the time is to which the shard is complete",
		"CPU %         of the shard's consumer; above, of all of numaring",
	};

	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		draw_line(HEAD_LINES + i, lines[i], A_NORMAL);
}

static unsigned rows_on_screen(void)
{
	return LINES > HEAD_LINES ? LINES - HEAD_LINES : 0;
}

static void draw_table(const struct top_snapshot *s)
{
	char line[TOP_LINE] = "";

	top_table_head(screen.view, line);
	draw_line(3, line, A_REVERSE);
	top_table_fill(&screen.table, screen.view, s);
	if (screen.first + rows_on_screen() > screen.table.n)
		screen.first =
			screen.table.n > rows_on_screen() ? screen.table.n - rows_on_screen() : 0;
	for (unsigned i = 0; i < rows_on_screen() && screen.first + i < screen.table.n; i++) {
		top_table_line(screen.view, screen.table.rows[screen.first + i], line);
		draw_line(HEAD_LINES + i, line, A_NORMAL);
	}
}

void top_screen_draw(const struct top_snapshot *s, bool paused)
{
	char lines[2][TOP_LINE] = {};

	erase();
	if (s->stats) {
		top_summary(s, lines);
		draw_line(0, lines[0], A_BOLD);
		draw_line(1, lines[1], s->stats->lost_total ? A_BOLD : A_NORMAL);
	} else {
		draw_line(0, "counting ...", A_BOLD);
	}
	draw_keys(paused);
	if (screen.help)
		draw_help();
	else if (s->stats)
		draw_table(s);
	refresh();
}

/* ---- keys ---- */

static void scroll_by(int rows)
{
	screen.first = rows < 0 && screen.first < (unsigned)-rows ? 0 : screen.first + rows;
}

static enum top_key show_view(int key)
{
	const struct top_view *view = top_view_of_key(key);

	if (!view)
		return TOP_KEY_DRAW;
	screen.view = view;
	screen.first = 0;
	return TOP_KEY_DRAW;
}

enum top_key top_screen_key(void)
{
	int key = getch();

	if (key == ERR)
		return TOP_KEY_NONE;
	if (key == 'q')
		return TOP_KEY_QUIT;
	if (screen.help && key != KEY_RESIZE) {
		screen.help = false;
		return show_view(key);
	}
	switch (key) {
	case ' ':
		return TOP_KEY_PAUSE;
	case 'h':
	case '?':
		screen.help = true;
		return TOP_KEY_DRAW;
	case KEY_UP:
		scroll_by(-1);
		return TOP_KEY_DRAW;
	case KEY_DOWN:
		scroll_by(1);
		return TOP_KEY_DRAW;
	case KEY_PPAGE:
		scroll_by(-(int)rows_on_screen());
		return TOP_KEY_DRAW;
	case KEY_NPAGE:
		scroll_by(rows_on_screen());
		return TOP_KEY_DRAW;
	case KEY_HOME:
		screen.first = 0;
		return TOP_KEY_DRAW;
	}
	return show_view(key);
}
