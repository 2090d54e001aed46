/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the library speaks: it never prints. Whoever calls it may pass a function that is given one
 * clear sentence, without a newline, for every error and for what else is worth knowing.
 *
 * Where the kernel refuses a BPF program, the sentence that says so is followed by the last 15
 * lines of the verifier's log (or by libbpf's own words), one line a call, each behind two spaces;
 * and for the usual mistakes by one sentence that says what to do. Such texts have at most 1,023
 * bytes and no control characters; libbpf's own, at NR_LOG_DEBUG, may have many lines and
 * megabytes.
 */
#ifndef NUMARING_LOG_H
#define NUMARING_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

enum nr_log_level {
	NR_LOG_ERROR, /* a call is about to fail; what is wrong and what to do about it */
	NR_LOG_WARN,  /* it works, but not as asked */
	NR_LOG_INFO,
	NR_LOG_DEBUG, /* libbpf's and the kernel verifier's own words too */
};

/* May be called from any thread of the library; text is valid during the call only. */
typedef void (*nr_log_fn)(void *ctx, enum nr_log_level level, const char *text);

#ifdef __cplusplus
}
#endif
#endif
