/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place where the pure machine meets its surroundings: integer types, memset and
 * static_assert. Everything else in module/fsm is plain C, so that one source is loaded into the
 * kernel, unit-tested, enumerated and fuzzed.
 */
#ifndef TCPSTATE_FSM_SHIM_H
#define TCPSTATE_FSM_SHIM_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t s32;
#endif

#endif
