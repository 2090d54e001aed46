/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The log callback. The library never prints. A caller may pass a function that gets one sentence,
 * without a newline, for every error and for everything else worth knowing.
 *
 * If the kernel refuses a BPF program, more calls follow the sentence that says so: the last 15
 * lines of the verifier's log (or libbpf's warnings), one line a call, each indented by two spaces;
 * then, for the usual mistakes, one sentence that says what to do. These texts have at most 1,023
 * bytes and no control characters. libbpf's messages at NR_LOG_DEBUG may have many lines and many
 * megabytes.
 */
#ifndef NUMARING_LOG_H
#define NUMARING_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

enum nr_log_level {
	NR_LOG_ERROR, /* a call will fail: what is wrong and what to do about it */
	NR_LOG_WARN,  /* it works, but not as requested */
	NR_LOG_INFO,
	NR_LOG_DEBUG, /* also all messages of libbpf and the verifier */
};

/* Any thread of the library may call it. text is valid only during the call. */
typedef void (*nr_log_fn)(void *ctx, enum nr_log_level level, const char *text);

#ifdef __cplusplus
}
#endif
#endif
