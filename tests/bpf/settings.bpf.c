// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Constants of many types, and an event that tells their values (settings.sh). */
#include "vmlinux.h"
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum mode { SLOW, FAST = 7, BACKWARD = -3 };

struct step {
	__u16 most;
	char name[8];
};

struct limits {
	__s32 least;
	__u32 flags : 3;
	__u32 level : 5;
	struct step steps[2];
};

struct settings {
	__u8 byte;
	__s8 small;
	__u16 half;
	__s16 shalf;
	__u32 word;
	__s32 sword;
	__u64 wide;
	__s64 swide;
	_Bool flag;
	__u8 letter;
	enum mode mode;
	char text[8];
	__u16 list[4];
	struct limits limits;
	__u32 data;
	__u32 bss;
};
NR_EVENT(settings, 1);

const volatile __u8 byte = 1;
const volatile __s8 small = 1;
const volatile __u16 half = 1;
const volatile __s16 shalf = 1;
const volatile __u32 word = 1;
const volatile __s32 sword = 1;
const volatile __u64 wide = 1;
const volatile __s64 swide = 1;
const volatile _Bool flag = 0;
const volatile char letter = 'a';
const volatile enum mode mode = SLOW;
const volatile char text[8] = "old";
const volatile __u16 list[4] = { 9, 9, 9, 9 };
const volatile struct limits limits = {
	.least = 5,
	.flags = 1,
	.level = 2,
	.steps = { { 1, "one" }, { 2, "two" } },
};
const volatile void *const volatile pointer = NULL;
const volatile __u64 huge[2000] = {}; /* the others stay where they are */
const int folded[2] = { 3, 4 };
__u32 data = 4;
__u32 bss;

SEC("tp_btf/sys_enter")
int run(void *ctx)
{
	struct settings *e;

	if (!nr_wanted(bpf_get_current_pid_tgid() >> 32))
		return 0;
	e = nr_reserve(settings);
	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->byte = byte;
	e->small = small;
	e->half = half;
	e->shalf = shalf;
	e->word = word;
	e->sword = sword;
	e->wide = wide;
	e->swide = swide;
	e->flag = flag;
	e->letter = letter;
	e->mode = mode;
	for (int i = 0; i < 8; i++)
		e->text[i] = text[i];
	for (int i = 0; i < 4; i++)
		e->list[i] = list[i];
	e->limits.least = limits.least;
	e->limits.flags = limits.flags;
	e->limits.level = limits.level;
	for (int i = 0; i < 2; i++) {
		e->limits.steps[i].most = limits.steps[i].most;
		for (int k = 0; k < 8; k++)
			e->limits.steps[i].name[k] = limits.steps[i].name[k];
	}
	e->data = data;
	e->bss = bss + huge[3] + (pointer ? folded[bss & 1] : 0);
	nr_submit(e);
	return 0;
}
