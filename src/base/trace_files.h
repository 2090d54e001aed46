/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files of a trace directory: their names, and the locks that say whether it is being recorded.
 */
#ifndef NR_TRACE_FILES_H
#define NR_TRACE_FILES_H

#include <stdbool.h>

#define NR_FILE_STREAM	 "stream"
#define NR_FILE_METADATA "metadata"
#define NR_FILE_BTF	 ".btf"		  /* a leading dot, or it would be taken for a stream */
#define NR_FILE_LOCK	 ".numaring.lock" /* while it is recorded; locked for writing */

/* Prefix of the files of a trace that is about to be replaced. */
#define NR_OLD ".old-"

/* How our metadata begins. */
#define NR_METADATA_BEGIN "/* CTF 1.8 */\n/* numaring trace */\n"

/* Does dir hold metadata of ours, of any version, under this name? */
bool nr_is_trace_metadata(int dir, const char *name);

/* True: a recording that was about to replace a trace was killed before it began, and the old trace
 * still has the names that begin with NR_OLD. The next recording restores them. */
bool nr_trace_dir_is_interrupted(int dir);

/* Locks a file for writing until fd is closed: a stream that is locked is being recorded. False:
 * somebody else holds a lock on it. True, too, where the file system has no locks. */
bool nr_lock_file(int fd);
/* Is this stream being recorded? fd needs to be readable only. False where locks are not supported.
 */
bool nr_stream_is_recorded(int fd);

#endif
