/* Log lines of the daemons on their way into files and onto the screen. A daemon that has been taken over writes what it
 * likes: nothing but printable UTF-8 leaves here. Pure. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#define LINE_MAX_BYTES 4096 /* longer ones are cut into pieces of this size */

/* Appends the text with control characters and bytes that are no UTF-8 as \xNN. What is escaped already stays. */
void line_escape(struct buf *out, struct str text);

/* Appends the line (without its newline) as it stands in a log file: as it is when it has the form of our log lines,
 * `STAMP NAME LEVEL …`, else with `STAMP NAME - ` before it. */
void line_for_file(struct buf *out, struct str line, const char *name, const char *stamp);

/* Appends the line as `up` shows it in the foreground: time, name in a column, level, text. */
void line_for_screen(struct buf *out, struct str line, const char *name, const char *stamp);
