// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is asked of the module to set its configuration, to dump peers and alerts and to tell of an
 * alert: the messages, taken on their way to the kernel.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What is static there is called here, and what it calls is here. */
#include "../lib/link.c"
#include "../lib/link_alert.c"

static char asked[LINK_REPLY_MAX] __attribute__((aligned(8)));
static unsigned int asks;
static int answer;

int link_fail(struct tcpstate_link *link, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(link->error, sizeof(link->error), fmt, args);
	va_end(args);
	return err;
}

int link_fail_errno(struct tcpstate_link *link, const char *what)
{
	return link_fail(link, -errno, "%s", what);
}

struct nlmsghdr *link_request(struct tcpstate_link *link, char *at, uint16_t family, uint8_t cmd,
			      uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	(void)link;
	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = flags;
	genl->cmd = cmd;
	return nlh;
}

int link_ask(struct tcpstate_link *link, struct nlmsghdr *nlh, take_fn take, void *arg)
{
	(void)link, (void)take, (void)arg;
	assert_true(nlh->nlmsg_len < CONFIG_MAX);
	memcpy(asked, nlh, nlh->nlmsg_len);
	asks++;
	return answer;
}

int link_dump(struct tcpstate_link *link, const struct link_dump *dump)
{
	(void)link, (void)dump;
	return answer;
}

static struct tcpstate_link link_;
static struct tcpstate_config want, got;

static const struct genlmsghdr *header(void)
{
	return mnl_nlmsg_get_payload((struct nlmsghdr *)asked);
}

static const void *attrs(size_t *len)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)asked;

	*len = mnl_nlmsg_get_payload_len(nlh) - GENL_HDRLEN;
	return mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN);
}

static int set_up(void **state)
{
	(void)state;
	asks = 0;
	answer = 0;
	memset(&want, 0, sizeof(want));
	want.limit = want.event_batch = want.event_delay_ms = want.event_queue =
		(struct tcpstate_value){ 64, true };
	return 0;
}

static const struct nlattr *find(uint16_t type)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, (struct nlmsghdr *)asked, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static void set(void)
{
	size_t len;
	const void *at;

	assert_int_equal(tcpstate_link_config_set(&link_, &want), 0);
	assert_int_equal(header()->cmd, TCPSTATE_CMD_CONFIG_SET);
	at = attrs(&len);
	assert_int_equal(tcpstate_decode_config(at, len, &got), 0);
}

/* All that there can be fits, and comes as it was given. */
static void test_all(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++)
		want.threshold[i] = (struct tcpstate_value){ 1000 + i, true };
	want.ignores = (struct tcpstate_value){ TCPSTATE_IGNORES_MAX, true };
	for (i = 0; i < TCPSTATE_IGNORES_MAX; i++) {
		want.ignore[i] = (struct tcpstate_ignore){
			.kind = 1 + i % 9, .port = 1 + i, .family = i % 2 ? AF_INET : AF_INET6,
			.addr = { 10, 0, 0, i },
		};
	}
	set();
	assert_memory_equal(&got, &want, sizeof(got));
}

/* What is not known is not there: neither an empty nest nor a number 0. */
static void test_nothing(void **state)
{
	(void)state;
	set();
	assert_null(find(TCPSTATE_A_CONFIG_THRESHOLDS));
	assert_null(find(TCPSTATE_A_CONFIG_IGNORE));
	assert_null(find(TCPSTATE_A_CONFIG_IGNORE_NONE));
	want.threshold[TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS].known = true;
	set();
	assert_true(got.threshold[TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS].known);
	assert_false(got.threshold[TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS].known);
}

static void test_ignore_none(void **state)
{
	(void)state;
	want.ignores.known = true;
	set();
	assert_non_null(find(TCPSTATE_A_CONFIG_IGNORE_NONE));
	assert_int_equal(mnl_attr_get_payload_len(find(TCPSTATE_A_CONFIG_IGNORE_NONE)), 0);
	assert_null(find(TCPSTATE_A_CONFIG_IGNORE));
}

/* Nothing is asked of what cannot be said. */
static void test_range(void **state)
{
	(void)state;
	want.threshold[1] = (struct tcpstate_value){ UINT32_MAX + 1ull, true };
	assert_int_equal(tcpstate_link_config_set(&link_, &want), -ERANGE);
	want.threshold[1].known = false;
	want.ignores = (struct tcpstate_value){ TCPSTATE_IGNORES_MAX + 1, true };
	assert_int_equal(tcpstate_link_config_set(&link_, &want), -ERANGE);
	assert_int_equal(asks, 0);
}

static void test_alert_set(void **state)
{
	(void)state;
	assert_int_equal(tcpstate_link_alert_set(&link_, 41, 1024), 0);
	assert_int_equal(header()->cmd, TCPSTATE_CMD_ALERT_SET);
	assert_int_equal(mnl_attr_get_u32(find(TCPSTATE_A_ALERTS_ID)), 41);
	assert_int_equal(mnl_attr_get_u32(find(TCPSTATE_A_ALERTS_FILE_LIMIT)), 1024);
}

/* An older module does not know the commands. */
static void test_older_module(void **state)
{
	(void)state;
	answer = -EOPNOTSUPP;
	assert_int_equal(tcpstate_link_alerts(&link_, NULL, NULL, NULL), -EOPNOTSUPP);
	assert_string_equal(link_.error, "the loaded module has no alerts: it is older than this "
					 "program");
	link_.error[0] = '\0';
	assert_int_equal(tcpstate_link_peers(&link_, NULL, NULL, NULL), -EOPNOTSUPP);
	assert_int_not_equal(link_.error[0], '\0');
	answer = -EPERM;
	assert_int_equal(tcpstate_link_peers(&link_, NULL, NULL, NULL), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all, set_up),
		cmocka_unit_test_setup(test_nothing, set_up),
		cmocka_unit_test_setup(test_ignore_none, set_up),
		cmocka_unit_test_setup(test_range, set_up),
		cmocka_unit_test_setup(test_alert_set, set_up),
		cmocka_unit_test_setup(test_older_module, set_up),
	};

	return cmocka_run_group_tests_name("link_config", tests, NULL, NULL);
}
