/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A look at all processes takes long where there are many: never more than a tenth of the time.
 */
#ifndef TCPSTATE_PACE_H
#define TCPSTATE_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/**
 * struct tcpstate_pace - when to look again
 * @every_ns: no sooner than so long after the last time
 * @begun_ns: when that began; CLOCK_MONOTONIC, like the next one
 * @after_ns: not before
 */
struct tcpstate_pace {
	uint64_t every_ns;
	uint64_t begun_ns;
	uint64_t after_ns;
};

static inline uint64_t tcpstate_pace_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static inline bool tcpstate_pace_due(const struct tcpstate_pace *pace)
{
	return tcpstate_pace_now() >= pace->after_ns;
}

/* Around a look. */
static inline void tcpstate_pace_begin(struct tcpstate_pace *pace)
{
	pace->begun_ns = tcpstate_pace_now();
}

static inline void tcpstate_pace_end(struct tcpstate_pace *pace)
{
	uint64_t now = tcpstate_pace_now(), rest = 9 * (now - pace->begun_ns);

	pace->after_ns = now + (rest > pace->every_ns ? rest : pace->every_ns);
}

#endif
