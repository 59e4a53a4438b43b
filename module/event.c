// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/genetlink.h>
#include <uapi/linux/tcpstate.h>

#include "event.h"

struct tcps_waiting {
	struct list_head node;
	u64 seq;
	u64 time_ns;
	u64 stay_ns;
	struct tcps_key key;
	struct tcps_holder holder;
	struct tcps_move move;
	bool local;
};

/**
 * struct tcps_events - the queue of one namespace
 * @lock:	protects all but @work; taken inside a shard's lock
 * @waiting:	oldest first
 * @queued:	how many are waiting
 * @config:	what was set
 * @counts:	last sequence number given, events lost
 * @work:	sends
 * @tn:		whose queue
 */
struct tcps_events {
	spinlock_t lock;
	struct list_head waiting;
	u32 queued;
	struct tcps_event_config config;
	struct tcps_event_counts counts;
	struct delayed_work work;
	struct tcps_net *tn;
};

static struct kmem_cache *cache;

/*
 * NULL while the family is not registered. Who sends holds the semaphore: the numbers of groups of
 * a family that is gone may be those of another.
 */
static const struct genl_family *family __read_mostly;
static DECLARE_RWSEM(family_sem);

bool tcps_event_wanted(const struct tcps_net *tn)
{
	const struct genl_family *to = READ_ONCE(family);

	return to && genl_has_listeners(to, tn->net, TCPS_GROUP_TRANSITIONS);
}

void tcps_event_queue(struct tcps_net *tn, const struct tcps_key *key, bool local,
		      const struct tcps_move *move, u64 stay_ns,
		      const struct tcps_holder *holder)
{
	struct tcps_events *events = tn->events;
	struct tcps_waiting *event = NULL;

	if (READ_ONCE(events->queued) < READ_ONCE(events->config.queue))
		event = kmem_cache_alloc(cache, GFP_ATOMIC | __GFP_NOWARN);
	if (event) {
		event->time_ns = ktime_get_boottime_ns();
		event->stay_ns = stay_ns;
		event->key = *key;
		event->move = *move;
		event->local = local;
		event->holder = *holder;
	}
	spin_lock(&events->lock);
	if (event) {
		event->seq = ++events->counts.seq;
		list_add_tail(&event->node, &events->waiting);
		WRITE_ONCE(events->queued, events->queued + 1);
	} else {
		events->counts.lost++;
	}
	spin_unlock(&events->lock);
}

void tcps_event_kick(struct tcps_net *tn)
{
	struct tcps_events *events = tn->events;

	if (READ_ONCE(events->queued) >= READ_ONCE(events->config.batch))
		mod_delayed_work(system_unbound_wq, &events->work, 0);
	else
		queue_delayed_work(system_unbound_wq, &events->work,
				   msecs_to_jiffies(READ_ONCE(events->config.delay_ms)));
}

static int put_event(struct sk_buff *skb, const struct tcps_net *tn,
		     const struct tcps_waiting *event)
{
	/* The far end's time in its states is not known. */
	bool stayed = event->local && tcps_stayed(&event->move);
	/* Whose numbers mean nothing to a container, they are not told there. */
	bool tells_pid = tn->net->user_ns == &init_user_ns;
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_EVENTS_TRANSITION);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, TCPSTATE_A_TRANSITION_SEQ, event->seq,
			      TCPSTATE_A_TRANSITION_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_TRANSITION_TIME_NS, event->time_ns,
			      TCPSTATE_A_TRANSITION_PAD) ||
	    nla_put_u32(skb, TCPSTATE_A_TRANSITION_END,
			event->local ? TCPSTATE_END_LOCAL : TCPSTATE_END_REMOTE) ||
	    nla_put_u32(skb, TCPSTATE_A_TRANSITION_OLD_STATE, event->move.from) ||
	    nla_put_u32(skb, TCPSTATE_A_TRANSITION_NEW_STATE, event->move.to) ||
	    nla_put_u32(skb, TCPSTATE_A_TRANSITION_CAUSE, event->move.event) ||
	    (stayed && nla_put_u64_64bit(skb, TCPSTATE_A_TRANSITION_DURATION_NS, event->stay_ns,
					 TCPSTATE_A_TRANSITION_PAD)) ||
	    tcps_wire_put_key(skb, &event->key) ||
	    (event->local && tcps_wire_put_holder(skb, tn, &event->holder,
						  TCPSTATE_A_TRANSITION_UID,
						  TCPSTATE_A_TRANSITION_PAD)) ||
	    (event->local && tells_pid && event->holder.pid &&
	     nla_put_u32(skb, TCPSTATE_A_TRANSITION_PID, event->holder.pid))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* Room for one event, whatever is in it */
static size_t event_size(void)
{
	return nla_total_size(0) + 6 * nla_total_size_64bit(sizeof(u64)) +
	       8 * nla_total_size(sizeof(u32)) + 2 * nla_total_size(sizeof(struct in6_addr)) +
	       2 * nla_total_size(sizeof(u16));
}

void tcps_event_multicast(struct tcps_net *tn, enum tcps_group group, u8 cmd, size_t size,
			  int (*fill)(struct sk_buff *skb, const void *arg), const void *arg)
{
	struct sk_buff *skb;
	void *hdr;

	down_read(&family_sem);
	if (!family || !genl_has_listeners(family, tn->net, group))
		goto out;
	skb = genlmsg_new(size, GFP_KERNEL);
	if (!skb)
		goto out;	/* what cannot be sent is missing from the sequence, which tells it */
	hdr = genlmsg_put(skb, 0, 0, family, 0, cmd);
	if (WARN_ON_ONCE(!hdr || fill(skb, arg))) {	/* @size is wrong */
		nlmsg_free(skb);
		goto out;
	}
	genlmsg_end(skb, hdr);
	/* A listener whose buffer is full learns it from its socket. */
	genlmsg_multicast_netns(family, tn->net, skb, 0, group, GFP_KERNEL);
out:
	up_read(&family_sem);
}

struct batch {
	const struct tcps_net *tn;
	struct list_head events;
	u64 lost;
};

static int fill_batch(struct sk_buff *skb, const void *arg)
{
	const struct batch *batch = arg;
	struct tcps_waiting *event;

	if (nla_put_u64_64bit(skb, TCPSTATE_A_EVENTS_LOST, batch->lost, TCPSTATE_A_EVENTS_PAD))
		return -EMSGSIZE;
	list_for_each_entry(event, &batch->events, node)
		if (put_event(skb, batch->tn, event))
			return -EMSGSIZE;
	return 0;
}

static void free_batch(struct list_head *batch)
{
	struct tcps_waiting *event, *tmp;

	list_for_each_entry_safe(event, tmp, batch, node)
		kmem_cache_free(cache, event);
	INIT_LIST_HEAD(batch);
}

/* Takes the oldest waiting events, one message of them. */
static u32 take_batch(struct tcps_events *events, struct list_head *batch, u64 *lost)
{
	struct list_head *last = &events->waiting;
	u32 n = 0;

	spin_lock_bh(&events->lock);
	for (; n < events->config.batch && !list_is_last(last, &events->waiting); n++)
		last = last->next;
	list_cut_position(batch, &events->waiting, last);
	WRITE_ONCE(events->queued, events->queued - n);
	*lost = events->counts.lost;
	spin_unlock_bh(&events->lock);
	return n;
}

static void send_work(struct work_struct *work)
{
	struct tcps_events *events = container_of(to_delayed_work(work), struct tcps_events, work);
	struct batch batch = { .tn = events->tn };
	u32 n;

	INIT_LIST_HEAD(&batch.events);
	while ((n = take_batch(events, &batch.events, &batch.lost))) {
		tcps_event_multicast(events->tn, TCPS_GROUP_TRANSITIONS, TCPSTATE_CMD_TRANSITION_NTF,
				     n * event_size() + nla_total_size_64bit(sizeof(u64)), fill_batch,
				     &batch);
		free_batch(&batch.events);
		cond_resched();
	}
}

void tcps_event_get(struct tcps_net *tn, struct tcps_event_config *config,
		    struct tcps_event_counts *counts)
{
	struct tcps_events *events = tn->events;

	spin_lock_bh(&events->lock);
	if (config)
		*config = events->config;
	if (counts)
		*counts = events->counts;
	spin_unlock_bh(&events->lock);
}

void tcps_event_set(struct tcps_net *tn, const struct tcps_event_config *config)
{
	struct tcps_events *events = tn->events;

	spin_lock_bh(&events->lock);
	WRITE_ONCE(events->config.batch, config->batch);
	WRITE_ONCE(events->config.delay_ms, config->delay_ms);
	WRITE_ONCE(events->config.queue, config->queue);
	spin_unlock_bh(&events->lock);
}

int tcps_event_net_init(struct tcps_net *tn)
{
	struct tcps_events *events = kzalloc(sizeof(*events), GFP_KERNEL_ACCOUNT);

	if (!events)
		return -ENOMEM;
	spin_lock_init(&events->lock);
	INIT_LIST_HEAD(&events->waiting);
	INIT_DELAYED_WORK(&events->work, send_work);
	events->config = (struct tcps_event_config){
		.batch = TCPS_EVENT_BATCH_DEFAULT, .delay_ms = TCPS_EVENT_DELAY_DEFAULT,
		.queue = TCPS_EVENT_QUEUE_DEFAULT,
	};
	events->tn = tn;
	tn->events = events;
	return 0;
}

void tcps_event_net_exit(struct tcps_net *tn)
{
	struct tcps_events *events = tn->events;

	cancel_delayed_work_sync(&events->work);
	free_batch(&events->waiting);
	kfree(events);
}

void tcps_event_family(const struct genl_family *of)
{
	down_write(&family_sem);
	WRITE_ONCE(family, of);
	up_write(&family_sem);
}

int tcps_event_init(void)
{
	cache = KMEM_CACHE(tcps_waiting, 0);
	return cache ? 0 : -ENOMEM;
}

void tcps_event_exit(void)
{
	kmem_cache_destroy(cache);
}
