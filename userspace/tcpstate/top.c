// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate top: the states, live, and the oldest endpoints of one of them. Here are the terminal,
 * the clock and the module; see top.h for the rest.
 */
#define _GNU_SOURCE		/* ppoll() */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/link.h"
#include "tcpstate.h"
#include "top.h"

#define NS_PER_S	1000000000ull
/* A dump of everything, every second, would cost what this module is there to save. */
#define DUMP_MAX	4096
#define DUMPS		4
#define PLAIN_ROWS	10
#define CTRL_L		12

struct screen {
	const struct options *o;
	struct tcpstate_link *link;
	struct top_model model;
	struct top_oldest oldest;
	struct top_trouble trouble;
	struct top_view view;
	struct top_frame frame;
	sigset_t open_mask;
	uint64_t floor_ns;	/* the list's youngest, last time */
	bool chosen;		/* the state, by somebody */
	char note[256];
	char list_note[256];
};

static volatile sig_atomic_t caught;

static void catch(int sig)
{
	caught = sig;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Asking the module */

/* Return: 0, or a negative errno that the note tells of; the next call tries anew. */
static int sample(struct screen *s)
{
	struct tcpstate_stats stats;
	int ret = 0;

	/* What failed before is opened anew: a module that was loaded again has another number. */
	if (s->view.note) {
		tcpstate_link_close(s->link);
		s->link = NULL;
	}
	s->view.note = NULL;
	if (!s->link)
		ret = tcpstate_link_open(&s->link);
	if (!ret)
		ret = tcpstate_link_stats(s->link, &stats);
	if (!ret) {
		top_model_add(&s->model, &stats, now_ns());
		return 0;
	}
	snprintf(s->note, sizeof(s->note), "%s", ret == -ENOENT ? "the module is not loaded" :
		 tcpstate_link_error(s->link));
	s->view.note = s->note;
	/* Old numbers beside a live clock would be taken for new ones. */
	top_model_reset(&s->model);
	return ret;
}

static int list_one(const struct tcpstate_endpoint *e, void *arg)
{
	top_oldest_add(arg, e);
	return 0;
}

static void list_anew(void *arg)
{
	struct top_oldest *l = arg;

	top_oldest_begin(l, l->want);
}

/*
 * A dump comes in the table's order, not by age, and is cut at DUMP_MAX. What it brought still
 * bounds the ages of the oldest from below: the next dump asks only for those, and so on; likewise
 * the next second's. Where some have left meanwhile, the bound was too high and is lowered.
 */
static int list_oldest(struct screen *s, struct tcpstate_filter *f, unsigned int rows)
{
	struct top_oldest *l = &s->oldest;
	uint64_t floor = s->floor_ns, lowest = f->min_age_ns;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < DUMPS && !ret; i++) {
		f->min_age_ns = floor > lowest ? floor : lowest;
		top_oldest_begin(l, rows);
		ret = tcpstate_link_endpoints(s->link, f, list_one, list_anew, l);
		if (!ret && l->seen >= f->limit && l->e[l->n - 1].age_ns > f->min_age_ns)
			floor = l->e[l->n - 1].age_ns;
		else if (!ret && l->n < rows && f->min_age_ns > lowest)
			floor = i ? 0 : floor - floor / 10;
		else
			break;
	}
	s->floor_ns = !ret && l->n && l->n == rows ? l->e[l->n - 1].age_ns : 0;
	return ret;
}

/* The list below the table, or a note in its place. */
static void list(struct screen *s, unsigned int rows)
{
	struct tcpstate_filter f = s->o->filter;
	int ret;

	s->oldest.n = 0;
	s->view.list_note = NULL;
	if (s->o->filter.limit && s->o->filter.limit < rows)
		rows = s->o->filter.limit;
	if (!s->model.samples || !rows)
		return;
	f.states = 1u << s->view.cursor;
	f.limit = DUMP_MAX;
	ret = list_oldest(s, &f, rows < TOP_OLDEST ? rows : TOP_OLDEST);
	if (ret == -EPERM)
		snprintf(s->list_note, sizeof(s->list_note),
			 "no list of endpoints: it needs CAP_NET_ADMIN");
	else if (ret)
		snprintf(s->list_note, sizeof(s->list_note), "no list of endpoints: %s",
			 tcpstate_link_error(s->link));
	else if (!s->oldest.n && switched_off(&s->model.now.snapshot.health))
		snprintf(s->list_note, sizeof(s->list_note), "%s", SWITCHED_OFF);
	else if (!s->oldest.n)
		snprintf(s->list_note, sizeof(s->list_note), "no endpoint in %s",
			 tcpstate_state_name(s->view.cursor));
	else
		return;
	s->view.list_note = s->list_note;
}

static void read_trouble(struct screen *s)
{
	/* Without a header there is no verdict, but there are tables. */
	if (s->model.samples && (!s->view.no_header || s->view.list != TOP_ENDPOINTS))
		top_trouble_read(&s->trouble, s->link, &s->view, s->o);
}

/* Which state */

static void set_cursor(struct screen *s, unsigned int state)
{
	if (state != s->view.cursor)
		s->floor_ns = 0;
	s->view.cursor = state;
}

/*
 * Until somebody chooses: what is wrong; else where most are, and there it stays for as long as
 * anybody is there, or it would jump.
 */
static void choose_state(struct screen *s)
{
	const struct tcpstate_row *row = s->model.now.snapshot.state;
	unsigned int state = s->trouble.state;

	if (s->chosen || !s->model.samples)
		return;
	if (!state && (!s->view.cursor || !row[s->view.cursor].count.n))
		state = top_model_fullest(&s->model);
	if (state || !s->view.cursor)
		set_cursor(s, state ?: TCPSTATE_STATE_FIRST);
}

static void read_all(struct screen *s)
{
	read_trouble(s);
	choose_state(s);
}

/* The terminal */

static void draw_line(int y, const struct top_line *line)
{
	static const attr_t looks[] = {
		[TOP_PLAIN] = A_NORMAL,
		[TOP_TITLE] = A_BOLD,
		[TOP_HEADING] = A_UNDERLINE,
		[TOP_DIM] = A_DIM,
		[TOP_CURSOR] = A_REVERSE,
		[TOP_NOTE] = A_BOLD,
	};
	wchar_t wide[TOP_LINE_MAX];

	if (mbstowcs(wide, line->text, TOP_LINE_MAX) == (size_t)-1)
		return;
	mvaddnwstr(y, 0, wide, COLS);
	mvchgat(y, 0, -1, looks[line->look], line->look == TOP_NOTE && has_colors(), NULL);
}

static void draw(struct screen *s)
{
	unsigned int i;

	s->view.width = COLS;
	s->view.height = LINES;
	top_frame_build(&s->frame, &s->view);
	erase();
	for (i = 0; i < s->frame.n; i++)
		draw_line(i, &s->frame.line[i]);
	refresh();
}

static void move_cursor(struct screen *s, unsigned int state)
{
	s->chosen = true;
	if (state < TCPSTATE_STATE_FIRST || state > TCPSTATE_STATE_LAST)
		return;
	set_cursor(s, state);
}

/* The same key goes back to the endpoints. */
static void toggle_list(struct screen *s, enum top_list list)
{
	s->view.list = s->view.list == list ? TOP_ENDPOINTS : list;
	read_trouble(s);
}

/* Return: false to quit. */
static bool take_key(struct screen *s, int key)
{
	switch (key) {
	case 'q':
		return false;
	case KEY_UP:
	case 'k':
		move_cursor(s, s->view.cursor - 1);
		break;
	case KEY_DOWN:
	case 'j':
		move_cursor(s, s->view.cursor + 1);
		break;
	case KEY_HOME:
		move_cursor(s, TCPSTATE_STATE_FIRST);
		break;
	case KEY_END:
		move_cursor(s, TCPSTATE_STATE_LAST);
		break;
	case 'L':
		toggle_list(s, TOP_LISTENERS);
		break;
	case 'P':
		toggle_list(s, TOP_DESTINATIONS);
		break;
	case 'U':
		toggle_list(s, TOP_UNITS);
		break;
	case 'N':
		toggle_list(s, TOP_NAMESPACES);
		break;
	case 'p':
	case ' ':
		s->view.paused = !s->view.paused;
		break;
	case '?':
	case 'h':
		s->view.help = !s->view.help;
		break;
	case CTRL_L:
		clearok(curscr, TRUE);
		break;
	}
	return true;
}

/* Until @until, a key or a signal. Return: false to quit. */
static bool wait_keys(struct screen *s, uint64_t until)
{
	struct pollfd in = { .fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN };
	uint64_t now = now_ns(), left = until > now ? until - now : 0;
	struct timespec timeout = { .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
	int key;

	if (ppoll(&in, 1, s->view.paused ? NULL : &timeout, &s->open_mask) < 0 && errno != EINTR)
		return false;
	if (caught || in.revents & (POLLHUP | POLLERR | POLLNVAL))
		return false;
	/* Also after a signal: a new size of the window comes as a key. */
	while ((key = getch()) != ERR) {
		if (!take_key(s, key))
			return false;
	}
	return true;
}

static void watch(struct screen *s)
{
	uint64_t period = (s->o->watch ?: 1) * NS_PER_S, next = now_ns() + period;

	do {
		if (!s->view.paused && now_ns() >= next) {
			sample(s);
			read_all(s);
			/* After a stop (^Z) or a slow dump nothing is made up for. */
			next = now_ns() + period;
		}
		if (!s->view.help && s->view.list == TOP_ENDPOINTS)
			list(s, top_frame_rows(LINES));
		draw(s);
	} while (wait_keys(s, next));
}

/* They come while ppoll() waits and at no other time: none is overlooked until the next key. */
static void catch_signals(sigset_t *open_mask)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = catch };
	sigset_t blocked;
	unsigned int i;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, open_mask);
}

/* Where there is nothing to be seen yet, an error ends it as it ends every subcommand. */
static enum exit_code failed(struct screen *s, int err)
{
	enum exit_code ret = link_failed(s->link, err);

	tcpstate_link_close(s->link);
	return ret;
}

/* One picture, for a file or a pipe. A rate takes two samples. */
static enum exit_code print_frame(struct screen *s)
{
	unsigned int i;
	int err;

	sleep(1);
	err = sample(s);
	if (err)
		return failed(s, err);
	read_all(s);
	list(s, PLAIN_ROWS);
	top_frame_build(&s->frame, &s->view);
	for (i = 0; i < s->frame.n; i++)
		puts(s->frame.line[i].text);
	top_trouble_free(&s->trouble);
	tcpstate_link_close(s->link);
	return TCPSTATE_OK;
}

/* NULL where there is none, or one on which nothing has a place of its own. */
static SCREEN *open_terminal(void)
{
	SCREEN *term = newterm(NULL, stdout, stdin);
	const char *cup = term ? tigetstr("cup") : NULL;

	if (cup && cup != (const char *)-1)
		return term;
	if (term) {
		endwin();
		delscreen(term);
	}
	return NULL;
}

static enum exit_code live(struct screen *s)
{
	SCREEN *term;

	/* Before ncurses, which installs its own where there is none. */
	catch_signals(&s->open_mask);
	term = open_terminal();
	if (!term) {
		sigprocmask(SIG_SETMASK, &s->open_mask, NULL);
		return print_frame(s);
	}
	if (s->o->color && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_YELLOW, -1);
	}
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	read_all(s);
	watch(s);
	endwin();
	delscreen(term);
	top_trouble_free(&s->trouble);
	tcpstate_link_close(s->link);
	sigprocmask(SIG_SETMASK, &s->open_mask, NULL);
	/* Who ended us otherwise than from the keyboard shall see it in our status. */
	if (caught && caught != SIGINT) {
		signal(caught, SIG_DFL);
		raise(caught);
	}
	return TCPSTATE_OK;
}

/* The cursor begins on the first of the states that --state names; 0: it names none. */
static unsigned int first_state(uint32_t states)
{
	unsigned int state;

	for (state = TCPSTATE_STATE_FIRST; state <= TCPSTATE_STATE_LAST; state++) {
		if (states & (1u << state))
			return state;
	}
	return 0;
}

enum exit_code top(const struct options *o)
{
	static struct screen s;
	int err;

	s.o = o;
	s.chosen = o->filter.states;
	s.view = (struct top_view){
		.m = &s.model,
		.oldest = &s.oldest,
		.cursor = first_state(o->filter.states),
		.no_header = o->no_header,
		.trouble = &s.trouble,
	};
	err = sample(&s);
	if (err)
		return failed(&s, err);
	if (!isatty(STDOUT_FILENO))
		return print_frame(&s);
	s.view.utf8 = use_utf8();
	return live(&s);
}
