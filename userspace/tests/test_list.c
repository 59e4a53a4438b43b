// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate list against a link that is none: its columns and its JSON, and who has the sockets, of
 * which one is ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "capture.h"
#include "fake_link.h"

/* Not in the library: they are the tool's. */
#include "../tcpstate/list.c"
#include "../tcpstate/holder.c"
#include "../tcpstate/output.c"

#define ID	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The module */

static struct tcpstate_endpoint endpoints[16];
static unsigned int n_endpoints;

int tcpstate_link_endpoints(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			    int (*each)(const struct tcpstate_endpoint *e, void *arg),
			    void (*restart)(void *arg), void *arg)
{
	unsigned int i;
	int ret = 0;

	(void)link, (void)filter, (void)restart;
	for (i = 0; i < n_endpoints && !ret; i++)
		ret = each(&endpoints[i], arg);
	return ret;
}

static uint64_t coverage;

int tcpstate_link_stats(struct tcpstate_link *link, struct tcpstate_stats *stats)
{
	(void)link;
	*stats = (struct tcpstate_stats){ .snapshot.health.coverage = { coverage, true } };
	return 0;
}

static struct tcpstate_value known(uint64_t n)
{
	return (struct tcpstate_value){ n, true };
}

/* One more, with its remote port to tell it by. */
static struct tcpstate_endpoint *add(uint8_t state, unsigned int rport)
{
	struct tcpstate_endpoint *e = &endpoints[n_endpoints++];

	*e = (struct tcpstate_endpoint){
		.tuple = { .family = AF_INET, .laddr = { 192, 0, 2, 1 },
			   .raddr = { 198, 51, 100, 7 }, .lport = 80, .rport = rport },
		.local = state, .remote = TCPSTATE_STATE_ESTABLISHED, .age_ns = 12345678901,
	};
	return e;
}

static struct tcpstate_endpoint *add_full(uint8_t state, unsigned int rport, uint64_t inode)
{
	struct tcpstate_endpoint *e = add(state, rport);

	e->socket = (struct tcpstate_socket){
		.kind = known(TCPSTATE_SOCKET_KIND_FULL), .uid = known(1000),
		.inode = known(inode), .cookie = known(4711), .cgroup = known(UINT32_MAX),
	};
	return e;
}

static int none(void **state)
{
	(void)state;
	n_endpoints = 0;
	coverage = TCPSTATE_EVIDENCE_SOCKETS;
	return 0;
}

static void list_with(struct options o)
{
	capture_begin();
	assert_int_equal(list_endpoints(&o), TCPSTATE_OK);
	capture_end();
}

/* Behind the line of @rport. */
static const char *line_of(unsigned int rport)
{
	static char line[1024];
	char end[16];
	char *at;

	snprintf(end, sizeof(end), ":%u", rport);
	at = strstr(out, end);
	assert_non_null(at);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at + strlen(end), "\n"),
		 at + strlen(end));
	return line + strspn(line, " ");
}

static void test_columns(void **state)
{
	(void)state;
	add(TCPSTATE_STATE_CLOSE_WAIT, 50312);
	list_with((struct options){ .json = false });
	assert_string_equal(out, "STATE       PEER         AGE  LOCAL         REMOTE\n"
				 "CLOSE_WAIT  ESTABLISHED  12s  192.0.2.1:80  198.51.100.7:50312\n");
	list_with((struct options){ .processes = true });
	assert_has(out, "REMOTE              HOLDER\n");
	/* An older module says nothing of the socket. */
	assert_string_equal(line_of(50312), "-");
}

/* Nothing there is not the same as nobody looking. */
static void test_switched_off(void **state)
{
	struct options o = { .json = false };
	unsigned int i;

	(void)state;
	list_with(o);
	assert_string_equal(out, "no connection\n");
	coverage = TCPSTATE_EVIDENCE_NONE;
	for (i = 0; i < 2; i++) {
		o.json = i;
		capture_begin();
		complaint_begin();
		assert_int_equal(list_endpoints(&o), TCPSTATE_FAILURE);
		complaint_end();
		capture_end();
		assert_string_equal(out, "");
		assert_string_equal(complaint,
				    "tcpstate: switched off; switch it on with: tcpstate on\n");
	}
}

static void test_age_at_least(void **state)
{
	(void)state;
	add(TCPSTATE_STATE_ESTABLISHED, 1)->age_at_least = true;
	setenv("LC_ALL", "C", 1);
	list_with((struct options){ .json = false });
	assert_has(out, "  >=12s  192");
	setenv("LC_ALL", "C.UTF-8", 1);
	list_with((struct options){ .json = false });
	assert_has(out, "  \342\211\24512s  192");
	/* Its width is that of one character. */
	assert_has(out, "   AGE  LOCAL");
}

static void test_holders(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), fd2 = dup(fd);
	char want[128];
	struct stat st;

	(void)state;
	assert_true(fd >= 0 && fd2 >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	add_full(TCPSTATE_STATE_ESTABLISHED, 1001, st.st_ino);
	add_full(TCPSTATE_STATE_ESTABLISHED, 1002, 0);
	add_full(TCPSTATE_STATE_FIN_WAIT2, 1003, 0);
	add_full(TCPSTATE_STATE_ESTABLISHED, 1004, INT64_MAX);
	add(TCPSTATE_STATE_SYN_RECV, 1005)->socket.kind = known(TCPSTATE_SOCKET_KIND_REQUEST);
	add(TCPSTATE_STATE_TIME_WAIT, 1006)->socket.kind = known(TCPSTATE_SOCKET_KIND_MINISOCK);
	list_with((struct options){ .processes = true });
	snprintf(want, sizeof(want), "test_list/%d", (int)getpid());
	assert_int_equal(strncmp(line_of(1001), want, strlen(want)), 0);
	assert_string_equal(line_of(1002), "not accepted yet");
	assert_string_equal(line_of(1003), "orphan");
	assert_string_equal(line_of(1004), "?");
	assert_string_equal(line_of(1005), "half-open");
	assert_string_equal(line_of(1006), "kernel");

	list_with((struct options){ .processes = true, .json = true });
	snprintf(want, sizeof(want), "\"processes\":[{\"pid\":%d,\"comm\":\"test_list\",\"fd\":%d}],"
		 "\"process_count\":1,", (int)getpid(), fd);
	assert_has(out, want);
	assert_has(out, "\"holder\":{\"kind\":\"not-accepted\",\"processes\":[],\"process_count\":0,"
			"\"unit\":null,\"container\":null,\"pod\":null}");
	close(fd);
	close(fd2);
}

static json_t *endpoint_of(unsigned int i)
{
	static json_t *root;

	json_decref(root);
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	return json_array_get(json_object_get(root, "endpoints"), i);
}

static void test_json(void **state)
{
	(void)state;
	add_full(TCPSTATE_STATE_ESTABLISHED, 1001, 77)->socket.pid = known(1234);
	endpoints[0].age_at_least = true;
	add(TCPSTATE_STATE_ESTABLISHED, 1002);
	add(TCPSTATE_STATE_ESTABLISHED, 1003)->socket.kind = known(9);
	list_with((struct options){ .json = true });
	assert_has(out, "\"age_ns\":12345678901,\"age_at_least\":true,\"bypassed\":false,\"socket_kind\":\"full\","
			"\"uid\":1000,\"inode\":77,\"cookie\":4711,\"cgroup\":4294967295,\"pid\":1234}");
	assert_has(out, "\"age_at_least\":false,\"bypassed\":false,\"socket_kind\":null,"
			"\"uid\":null,\"inode\":null,\"cookie\":null,\"cgroup\":null,\"pid\":null}");
	assert_int_equal(json_integer_value(json_object_get(endpoint_of(2), "socket_kind")), 9);
	assert_null(json_object_get(endpoint_of(0), "holder"));
	list_with((struct options){ .json = true, .processes = true });
	assert_non_null(json_object_get(endpoint_of(0), "holder"));
}

/* What one holder is, as text and as JSON. */
static const char *text_of(const struct tcpstate_holder *h)
{
	static char text[HOLDER_MAX];

	format_holder(text, sizeof(text), h);
	return text;
}

static struct tcpstate_holder nginx(unsigned int processes, struct tcpstate_place place)
{
	return (struct tcpstate_holder){
		.holding = TCPSTATE_HOLDING_PROCESS, .processes = processes, .place = place,
		.process = { { 1234, -1, "nginx" }, { 1235, 7, "nginx" } },
	};
}

static void test_text(void **state)
{
	struct tcpstate_holder h = nginx(1, (struct tcpstate_place){ .unit = "" });

	(void)state;
	assert_string_equal(text_of(&h), "nginx/1234");
	h = nginx(4, (struct tcpstate_place){ .unit = "nginx.service" });
	assert_string_equal(text_of(&h), "nginx/1234 +3 nginx.service");
	h = nginx(1, (struct tcpstate_place){ .unit = "docker-" ID ".scope", .runtime = "docker",
					      .container = ID });
	assert_string_equal(text_of(&h), "nginx/1234 docker:0123456789ab");
	h = nginx(1, (struct tcpstate_place){ .unit = "a.service", .container = ID });
	assert_string_equal(text_of(&h), "nginx/1234 a.service container:0123456789ab");
	h = nginx(1, (struct tcpstate_place){ .unit = "web-0001-long.service", .runtime = "lxc",
					      .container = "web-0001-long" });
	assert_string_equal(text_of(&h), "nginx/1234 web-0001-long.service lxc:web-0001-long");
	h.processes = 0;
	h.holding = TCPSTATE_HOLDING_NOT_ACCEPTED;
	h.place = (struct tcpstate_place){ .unit = "nginx.service" };
	assert_string_equal(text_of(&h), "not accepted yet nginx.service");
}

static void test_longest(void **state)
{
	struct tcpstate_holder h = nginx(UINT32_MAX, (struct tcpstate_place){ .pod = "" });

	(void)state;
	h.process[0].pid = INT32_MAX;
	memset(h.process[0].comm, 'c', sizeof(h.process[0].comm) - 1);
	memset(h.place.unit, 'u', sizeof(h.place.unit) - 1);
	memset(h.place.runtime, 'r', sizeof(h.place.runtime) - 1);
	strcpy(h.place.runtime, "lxc");
	memset(h.place.container, 'n', sizeof(h.place.container) - 1);
	assert_in_range(strlen(text_of(&h)), 500, HOLDER_MAX - 2);
	assert_has(text_of(&h), " +4294967294 uuu");
}

static void test_holder_json(void **state)
{
	struct tcpstate_holder h = nginx(2, (struct tcpstate_place){
		.unit = "nginx.service", .runtime = "docker", .container = ID, .pod = "1-2" });
	json_t *object = json_object();

	(void)state;
	assert_int_equal(add_holder_json(object, &h), 0);
	capture_begin();
	print_json(object);
	capture_end();
	assert_string_equal(out, "{\"holder\":{\"kind\":\"process\",\"processes\":["
		"{\"pid\":1234,\"comm\":\"nginx\",\"fd\":null},"
		"{\"pid\":1235,\"comm\":\"nginx\",\"fd\":7}],\"process_count\":2,"
		"\"unit\":\"nginx.service\",\"container\":{\"runtime\":\"docker\",\"id\":\"" ID "\"},"
		"\"pod\":\"1-2\"}}\n");
	/* More than are named are counted. */
	h.processes = 1000;
	object = json_object();
	assert_int_equal(add_holder_json(object, &h), 0);
	assert_int_equal(json_array_size(json_object_get(json_object_get(object, "holder"),
							 "processes")), TCPSTATE_HOLDER_PROCESSES);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_columns, none),
		cmocka_unit_test_setup(test_switched_off, none),
		cmocka_unit_test_setup(test_age_at_least, none),
		cmocka_unit_test_setup(test_holders, none),
		cmocka_unit_test_setup(test_json, none),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_holder_json),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
