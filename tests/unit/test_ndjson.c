/* Lines of files: every cut of the bytes, long lines, the end. */
#include "unit_test.h"

#include "ndjson.h"

#include <rollcall/limits.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct ndjson *reader_of(const char *bytes, size_t len, char path[32]) {
    strcpy(path, "/tmp/test_ndjson.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        assert_true(written > 0);
        bytes += written;
        len -= (size_t)written;
    }
    close(fd);
    struct ndjson *ndjson = ndjson_open(path);
    assert_non_null(ndjson);
    unlink(path);
    return ndjson;
}

static void expect_line(struct ndjson *ndjson, int64_t number, const char *bytes, size_t len) {
    struct ndjson_line line;
    assert_int_equal(ndjson_next(ndjson, &line), NDJSON_LINE);
    assert_int_equal(line.number, number);
    assert_int_equal(line.len, len);
    assert_int_equal(line.full_len, len);
    assert_memory_equal(line.bytes, bytes, len);
}

static void lines_with_and_without_last_newline(void **state) {
    (void)state;
    char path[32];
    static const char bytes[] = "one\n\nth\0ree\r\nlast";
    struct ndjson *ndjson = reader_of(bytes, sizeof bytes - 1, path);
    struct ndjson_line line;
    expect_line(ndjson, 1, "one", 3);
    expect_line(ndjson, 2, "", 0);
    expect_line(ndjson, 3, "th\0ree\r", 7);
    expect_line(ndjson, 4, "last", 4);
    assert_int_equal(ndjson_next(ndjson, &line), NDJSON_END);
    assert_int_equal(ndjson_next(ndjson, &line), NDJSON_END);
    ndjson_close(&ndjson);
    assert_null(ndjson);
}

static void empty_file_has_no_line(void **state) {
    (void)state;
    char path[32];
    struct ndjson *ndjson = reader_of("", 0, path);
    struct ndjson_line line;
    assert_int_equal(ndjson_next(ndjson, &line), NDJSON_END);
    ndjson_close(&ndjson);
}

/* A line of `len` bytes between two short ones; it is cut if it is longer than a value may be. */
static void check_long_line(size_t len, bool has_newline) {
    char *bytes = malloc(len + 16), path[32];
    assert_non_null(bytes);
    memcpy(bytes, "a\n", 2);
    for (size_t i = 0; i < len; i++)
        bytes[2 + i] = (char)('b' + i % 20);
    memcpy(bytes + 2 + len, "\nz\n", 3);
    struct ndjson *ndjson = reader_of(bytes, 2 + len + (has_newline ? 3 : 0), path);
    struct ndjson_line line;
    expect_line(ndjson, 1, "a", 1);
    assert_int_equal(ndjson_next(ndjson, &line), NDJSON_LINE);
    assert_int_equal(line.number, 2);
    assert_int_equal(line.full_len, len);
    assert_int_equal(line.len, len < VALUE_BYTES_MAX ? len : VALUE_BYTES_MAX);
    assert_memory_equal(line.bytes, bytes + 2, line.len);
    if (has_newline)
        expect_line(ndjson, 3, "z", 1);
    assert_int_equal(ndjson_next(ndjson, &line), NDJSON_END);
    ndjson_close(&ndjson);
    free(bytes);
}

static void long_lines_are_cut_and_told(void **state) {
    (void)state;
    static const size_t buffer = 4 * VALUE_BYTES_MAX; /* of ndjson.c: lines that end near its ends */
    static const size_t around[] = {VALUE_BYTES_MAX, VALUE_BYTES_MAX * 2, buffer, 2 * buffer, 5 * buffer};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++)
        for (size_t len = around[i] - 5; len <= around[i] + 5; len++) {
            check_long_line(len, true);
            check_long_line(len, false);
        }
}

/* Lines of all lengths, so that the end of the buffer falls at every place of a line. */
static void lines_across_the_buffer(void **state) {
    (void)state;
    enum { LINES = 40000 };
    size_t len = 0;
    char *bytes = malloc(LINES * 100), path[32];
    assert_non_null(bytes);
    for (int i = 0; i < LINES; i++) {
        memset(bytes + len, 'a' + i % 26, (size_t)i % 97);
        len += (size_t)i % 97;
        bytes[len++] = '\n';
    }
    struct ndjson *ndjson = reader_of(bytes, len, path);
    const char *at = bytes;
    for (int i = 0; i < LINES; i++) {
        expect_line(ndjson, i + 1, at, (size_t)i % 97);
        at += i % 97 + 1;
    }
    ndjson_close(&ndjson);
    free(bytes);
}

static void what_cannot_be_read_is_an_error(void **state) {
    (void)state;
    assert_null(ndjson_open("/nowhere/at/all"));
    assert_int_equal(errno, ENOENT);
    struct ndjson *ndjson = ndjson_open("/");
    struct ndjson_line line;
    assert_non_null(ndjson);
    assert_int_equal(ndjson_next(ndjson, &line), NDJSON_ERROR);
    assert_int_equal(errno, EISDIR);
    ndjson_close(&ndjson);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines_with_and_without_last_newline), cmocka_unit_test(empty_file_has_no_line),
    cmocka_unit_test(long_lines_are_cut_and_told),         cmocka_unit_test(lines_across_the_buffer),
    cmocka_unit_test(what_cannot_be_read_is_an_error),
};
UNIT_TEST_MAIN(tests)
