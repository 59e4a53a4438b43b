// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bugs on purpose, one a load, which the debug kernel has to report (planted.sh). The load always
 * fails, so that nothing needs unloading.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *bug = "";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "which");

static volatile unsigned int many = 77;	/* the compiler must not see through it */
static int __rcu *guarded;
static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);

struct with_timer {
	struct timer_list timer;
};

static void nothing(struct timer_list *timer)
{
}

static void use_after_free(void)
{
	volatile char *p = kmalloc(100, GFP_KERNEL);

	kfree((void *)p);
	if (p)
		p[10] = 1;
}

static void out_of_bounds(void)
{
	volatile char *p = kmalloc(100, GFP_KERNEL);

	if (p)
		p[many + 23] = 1;
	kfree((void *)p);
}

static void leak(void)
{
	int i;

	for (i = 0; i < 32; i++)
		if (!kmalloc(1000, GFP_KERNEL))
			break;
}

static void shift(void)
{
	many = 1u << many;
}

static void active_timer_freed(void)
{
	struct with_timer *p = kmalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return;
	timer_setup(&p->timer, nothing, 0);
	mod_timer(&p->timer, jiffies + 1000 * HZ);
	kfree(p);
}

static void unprotected_dereference(void)
{
	if (rcu_dereference(guarded))
		many++;
}

static void sleep_in_atomic(void)
{
	spin_lock(&lock_a);
	might_sleep();
	spin_unlock(&lock_a);
}

static void lock_inversion(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);

	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

static int __init planted_init(void)
{
	static const struct {
		const char *name;
		void (*bug)(void);
	} bugs[] = {
		{ "leak", leak },
		{ "rcu", unprotected_dereference },
		{ "shift", shift },
		{ "timer", active_timer_freed },
		{ "atomic", sleep_in_atomic },
		{ "locks", lock_inversion },
		{ "free", use_after_free },
		{ "bounds", out_of_bounds },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (!strcmp(bugs[i].name, bug))
			bugs[i].bug();
	return -ECANCELED;
}
module_init(planted_init);

MODULE_DESCRIPTION("Bugs on purpose");
MODULE_LICENSE("GPL");
