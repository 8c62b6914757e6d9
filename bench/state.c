/* See state.h. */
#include "state.h"

#include "check.h"
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

struct head {
    uint32_t partition, key_len, value_len;
    bool is_null;
};

struct state_reader {
    FILE *file;
    char *value;
    size_t capacity;
};

void state_write(FILE *file, uint32_t partition, const struct outbox *box) {
    for (size_t i = 0; i < box->count; i++) {
        const struct out_record *record = &box->records[i];
        if (record->output != OUTPUT_CHANGELOG)
            continue;
        struct head head = {partition, (uint32_t)record->key_len, (uint32_t)record->value_len,
                            record->value == NULL};
        CHECK(fwrite(&head, sizeof head, 1, file) == 1);
        CHECK(fwrite(record->key, 1, head.key_len, file) == head.key_len);
        CHECK(head.is_null || fwrite(record->value, 1, head.value_len, file) == head.value_len);
    }
}

struct state_reader *state_open(const char *path) {
    struct state_reader *reader = xcalloc(1, sizeof *reader);
    reader->file = fopen(path, "rb");
    if (reader->file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return reader;
}

bool state_next(struct state_reader *reader, struct state_record *out) {
    struct head head;
    if (fread(&head, sizeof head, 1, reader->file) != 1)
        return false;
    CHECK(head.key_len <= sizeof out->key);
    if (head.value_len > reader->capacity) {
        reader->capacity = head.value_len;
        reader->value = xrealloc(reader->value, reader->capacity, 1);
    }
    CHECK(fread(out->key, 1, head.key_len, reader->file) == head.key_len);
    CHECK(fread(reader->value, 1, head.value_len, reader->file) == head.value_len);
    out->partition = head.partition;
    out->key_len = head.key_len;
    out->value_len = head.value_len;
    out->value = head.is_null ? NULL : reader->value;
    return true;
}

void state_close(struct state_reader **reader) {
    fclose((*reader)->file);
    free((*reader)->value);
    free(*reader);
    *reader = NULL;
}

void state_restore(const char *path, const struct task_setup *setup, struct task **tasks,
                   uint32_t partitions) {
    char error[256];
    struct restore **restores = xcalloc(partitions, sizeof(struct restore *));
    for (uint32_t p = 0; p < partitions; p++)
        restores[p] = restore_new(setup);
    struct state_reader *reader = state_open(path);
    for (struct state_record r; state_next(reader, &r);) {
        CHECK(r.partition < partitions);
        CHECK(restore_apply(restores[r.partition], r.key, r.key_len, r.value, r.value_len, error,
                            sizeof error) == RESTORE_OK);
    }
    state_close(&reader);
    for (uint32_t p = 0; p < partitions; p++) {
        struct restored restored;
        CHECK(restore_finish(restores[p], &restored, error, sizeof error) == RESTORE_OK);
        CHECK(!restored.rules_changed);
        free(restored.positions);
        tasks[p] = restored.task;
        restore_free(&restores[p]);
    }
    free(restores);
}
