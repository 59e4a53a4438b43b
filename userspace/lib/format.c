// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>
#include <stdio.h>

#include "format.h"

void tcpstate_format_count(char *buf, size_t size, uint64_t n)
{
	char digits[TCPSTATE_FORMAT_MAX];
	size_t out = 0;
	int len, i;

	len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	for (i = 0; i < len && out + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	if (size)
		buf[out] = '\0';
}

void tcpstate_format_duration(char *buf, size_t size, uint64_t ms)
{
	uint64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

	if (d)
		snprintf(buf, size, "%" PRIu64 "d%02uh", d, (unsigned int)(h % 24));
	else if (h)
		snprintf(buf, size, "%uh%02um", (unsigned int)h, (unsigned int)(m % 60));
	else if (m)
		snprintf(buf, size, "%um%02us", (unsigned int)m, (unsigned int)(s % 60));
	else if (s)
		snprintf(buf, size, "%us", (unsigned int)s);
	else
		snprintf(buf, size, "%ums", (unsigned int)ms);
}
