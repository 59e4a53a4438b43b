/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables each column of which is a function of the row. A column that has nothing to say in any row
 * is left out.
 */
#ifndef TABLE_H
#define TABLE_H

#include <libsmartcols.h>

#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define CELL_TEXT	256	/* any cell, null byte included */
#define TABLE_COLUMNS	8

/**
 * struct column - one column
 * @heading: its name
 * @flags: SCOLS_FL_RIGHT for numbers; SCOLS_FL_TRUNC for names, which are cut where a line would be
 *	wider than a screen; one column at most has it
 * @format: the text of a row, false: not known
 */
struct column {
	const char *heading;
	int flags;
	bool (*format)(char *buf, const void *row);
};

/**
 * struct table - rows of one kind
 * @columns: all that there could be, at most TABLE_COLUMNS
 * @n_columns: their number
 * @rows: an array
 * @size: of a row
 * @n: number of rows
 */
struct table {
	const struct column *columns;
	unsigned int n_columns;
	const void *rows;
	size_t size;
	size_t n;
};

/* Of these arrays. */
#define TABLE(columns_, rows_, n_)	((struct table){			\
	.columns = (columns_), .n_columns = ARRAY_SIZE(columns_),		\
	.rows = (rows_), .size = sizeof((rows_)[0]), .n = (n_),			\
})

/* A number as a cell; false where it is not known. */
bool count_cell(char *buf, uint64_t n);
bool value_cell(char *buf, const struct tcpstate_value *v);

/*
 * The table as lines, the first with its headings. To be freed; NULL: it has no rows, or no memory.
 */
char *table_text(const struct table *table, const struct options *o);

#endif
