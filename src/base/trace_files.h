/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files of a trace directory: their names, and the locks that show whether it is being
 * recorded. */
#ifndef NR_TRACE_FILES_H
#define NR_TRACE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#define NR_FILE_STREAM	 "stream"
#define NR_FILE_ZSTD	 "stream.zst" /* the stream, if it is compressed */
#define NR_FILE_METADATA "metadata"
#define NR_FILE_BTF	 ".btf" /* a leading dot, or it would be taken for a stream */
/* What gives addresses in stacks names, only in a trace with stacks: the kernel's symbols, and the
 * mappings of processes. */
#define NR_FILE_KALLSYMS ".kallsyms.zst"
#define NR_FILE_MAPPINGS ".mappings"
#define NR_FILE_STACKS	 ".stacks"	  /* of stack ids, only in a trace with such */
#define NR_FILE_LOCK	 ".numaring.lock" /* exists and is locked for writing during the recording */

/* Prefix of the files of an old trace until the new recording has begun. */
#define NR_OLD ".old-"

/* Of a series that is replaced: the metadata of its first chunk. */
#define NR_OLD_SERIES NR_OLD "series"
/* Prefix of a file that is being written and has no name yet. */
#define NR_NEW ".new-"

/* The name of a chunk, a subdirectory of the trace: its number, six digits or more. */
#define NR_CHUNK_NAME 24 /* bytes of a buffer for it */
void nr_chunk_name(char *name, uint64_t number);
/* False: it is not the name of a chunk. */
bool nr_chunk_number(const char *name, uint64_t *number);
/* Compares two numbers of chunks, uint64_t, for qsort. */
int nr_chunk_compare(const void *a, const void *b);

/* Our metadata begins with this. */
#define NR_METADATA_BEGIN "/* CTF 1.8 */\n/* numaring trace */\n"

/* Is this file of dir metadata of ours, of any version? */
bool nr_is_trace_metadata(int dir, const char *name);

/* True: a recording was killed while it was replacing a trace, so the old trace's files still have
 * the prefix NR_OLD. The next recording restores their names. */
bool nr_trace_dir_is_interrupted(int dir);

/* Locks a file for writing until fd is closed; a locked stream is being recorded. False: somebody
 * else holds a lock. True also if the file system has no locks. */
bool nr_lock_file(int fd);
/* Is this stream being recorded? fd need only be readable. False also if the file system has no
 * locks. */
bool nr_stream_is_recorded(int fd);

#endif
