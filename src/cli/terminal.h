/* What the terminal can show: colours, block characters, its width; and numbers and bars drawn with that.
 * Main thread. */
#ifndef ROLLCALL_TERMINAL_H
#define ROLLCALL_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct terminal {
    FILE *out;
    bool is_tty;    /* lines can be drawn over */
    bool has_color; /* a terminal, not a dumb one, and NO_COLOR is not set (no-color.org) */
    bool has_utf8;  /* by the locale, and not a dumb terminal */
    unsigned width; /* columns, 80 if unknown */
};

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_GREEN, INK_YELLOW, INK_RED, INK_GRAY, INK_BLUE };

void terminal_init(struct terminal *terminal, FILE *out);
/* From here on text has this ink; INK_PLAIN ends it. Nothing without colours. */
void terminal_ink(const struct terminal *terminal, enum ink ink);
/* The same, on a ground of the other ink. */
void terminal_ink_on(const struct terminal *terminal, enum ink ink, enum ink ground);
/* A bar of `share` (0 to 1) of `cells`, in eighths of a cell where it can; returns the cells it took. */
unsigned terminal_bar(const struct terminal *terminal, double share, unsigned cells);
/* The lower `eighths` (1 to 8) of a cell. */
const char *terminal_lower_block(unsigned eighths);
void terminal_repeat(const struct terminal *terminal, const char *text, unsigned count);

/* "664,120" */
#define COUNT_TEXT_BYTES 28
const char *count_text(uint64_t count, char out[COUNT_TEXT_BYTES]);

#endif
