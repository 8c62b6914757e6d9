/* See terminal.h. */
#include "terminal.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

void terminal_init(struct terminal *terminal, FILE *out) {
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool is_dumb = term != NULL && strcmp(term, "dumb") == 0;
    struct winsize size;
    setlocale(LC_CTYPE, "");
    terminal->out = out;
    terminal->is_tty = isatty(fileno(out)) && !is_dumb && term != NULL;
    terminal->has_color = terminal->is_tty && (no_color == NULL || no_color[0] == '\0');
    terminal->has_utf8 = !is_dumb && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    terminal->width = WIDTH_DEFAULT;
    if (terminal->is_tty && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        terminal->width = size.ws_col;
}

/* Colours of the terminal's own palette: they fit light and dark grounds. */
static int code_of(enum ink ink) {
    static const int codes[] = {[INK_PLAIN] = 39,  [INK_BOLD] = 1, [INK_DIM] = 2,   [INK_GREEN] = 32,
                                [INK_YELLOW] = 33, [INK_RED] = 31, [INK_GRAY] = 90, [INK_BLUE] = 34};
    return codes[ink];
}

void terminal_ink(const struct terminal *terminal, enum ink ink) {
    if (!terminal->has_color)
        return;
    if (ink == INK_PLAIN)
        fputs("\033[0m", terminal->out);
    else
        fprintf(terminal->out, "\033[%dm", code_of(ink));
}

void terminal_ink_on(const struct terminal *terminal, enum ink ink, enum ink ground) {
    if (terminal->has_color)
        fprintf(terminal->out, "\033[%d;%dm", code_of(ink), code_of(ground) + 10);
}

unsigned terminal_bar(const struct terminal *terminal, double share, unsigned cells) {
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned eighths = (unsigned)(share * cells * 8 + 0.5);
    if (eighths == 0 && share > 0)
        eighths = 1;
    if (!terminal->has_utf8) {
        terminal_repeat(terminal, "#", (eighths + 4) / 8);
        return (eighths + 4) / 8;
    }
    terminal_repeat(terminal, "█", eighths / 8);
    fputs(parts[eighths % 8], terminal->out);
    return (eighths + 7) / 8;
}

const char *terminal_lower_block(unsigned eighths) {
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    return blocks[eighths];
}

void terminal_repeat(const struct terminal *terminal, const char *text, unsigned count) {
    while (count-- > 0)
        fputs(text, terminal->out);
}

const char *count_text(uint64_t count, char out[COUNT_TEXT_BYTES]) {
    char digits[COUNT_TEXT_BYTES];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *p = out;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}
