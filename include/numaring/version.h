/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The version: of the headers that a program was built with, and of the library that it runs with. The
 * build takes the project's version from here.
 */
#ifndef NUMARING_VERSION_H
#define NUMARING_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NR_API
#define NR_API __attribute__((visibility("default")))
#endif

#define NR_VERSION_MAJOR 0
#define NR_VERSION_MINOR 1
#define NR_VERSION_PATCH 0

/* As one number: newer versions have larger ones; 0.1.0 is 100, 1.2.3 is 10203. */
#define NR_VERSION (NR_VERSION_MAJOR * 10000 + NR_VERSION_MINOR * 100 + NR_VERSION_PATCH)

#define NR_VERSION_TEXT_OF(major, minor, patch) #major "." #minor "." #patch
#define NR_VERSION_TEXT(major, minor, patch)	NR_VERSION_TEXT_OF(major, minor, patch)
/* "0.1.0" */
#define NR_VERSION_STRING NR_VERSION_TEXT(NR_VERSION_MAJOR, NR_VERSION_MINOR, NR_VERSION_PATCH)

/* NR_VERSION and NR_VERSION_STRING of the library. From any thread. */
NR_API unsigned nr_version(void);
NR_API const char *nr_version_string(void);

#ifdef __cplusplus
}
#endif
#endif
