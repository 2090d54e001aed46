# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
prepare() {
	ln -s "$BUILD" build
}
adapt() {
	sed "s|--before [A-Z0-9a-f-]*|--before $BUILD|; s/before.jsonl after.jsonl/my-host.jsonl my-host.jsonl/"
}
