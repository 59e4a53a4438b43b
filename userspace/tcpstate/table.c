// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "../lib/format.h"
#include "table.h"

bool count_cell(char *buf, uint64_t n)
{
	tcpstate_format_count(buf, CELL_TEXT, n);
	return true;
}

bool value_cell(char *buf, const struct tcpstate_value *v)
{
	return v->known && count_cell(buf, v->n);
}

static const void *row_at(const struct table *table, size_t i)
{
	return (const char *)table->rows + i * table->size;
}

static bool has_column(const struct table *table, const struct column *c)
{
	char text[CELL_TEXT];
	size_t i;

	for (i = 0; i < table->n; i++) {
		if (c->format(text, row_at(table, i)))
			return true;
	}
	return false;
}

static int add_row(struct libscols_table *tb, const struct column *const *shown, const void *row)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char text[CELL_TEXT];
	unsigned int i;
	int ret = line ? 0 : -ENOMEM;

	for (i = 0; i < scols_table_get_ncols(tb) && !ret; i++) {
		if (!shown[i]->format(text, row))
			strcpy(text, "-");
		ret = scols_line_set_data(line, i, text);
	}
	return ret;
}

static int fill_table(struct libscols_table *tb, const struct table *table)
{
	const struct column *shown[TABLE_COLUMNS];
	unsigned int n = 0, i;
	int ret = 0, name = -1;
	size_t row;

	for (i = 0; i < table->n_columns; i++) {
		const struct column *c = &table->columns[i];

		if (!has_column(table, c))
			continue;
		if (c->flags & SCOLS_FL_TRUNC)
			name = n;
		shown[n++] = c;
		if (!scols_table_new_column(tb, c->heading, 0, c->flags))
			return -ENOMEM;
	}
	for (row = 0; row < table->n && !ret; row++)
		ret = add_row(tb, shown, row_at(table, row));
	return ret || name < 0 ? ret : fit_column(tb, name);
}

char *table_text(const struct table *table, const struct options *o)
{
	struct libscols_table *tb;
	char *text = NULL;

	if (!table->n)
		return NULL;
	tb = new_table(o);
	if (!tb || fill_table(tb, table) || scols_print_table_to_string(tb, &text))
		text = NULL;
	scols_unref_table(tb);
	return text;
}
