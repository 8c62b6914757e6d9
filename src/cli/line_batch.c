/* See line_batch.h. */
#include "line_batch.h"

#include <string.h>

_Static_assert(LINE_BATCH_BYTES >= VALUE_BYTES_MAX + ID_BYTES_MAX + sizeof(struct reject_detail),
               "an empty batch has room for any line");

static const char *keep(struct line_batch *batch, const char *bytes, size_t len) {
    char *kept = memcpy(batch->bytes + batch->bytes_used, bytes, len);
    batch->bytes_used += len;
    return kept;
}

bool line_batch_add(struct line_batch *batch, const struct history_record *record) {
    if (batch->count == batch->limit ||
        LINE_BATCH_BYTES - batch->bytes_used <
            record->line.len + record->input.key_len + sizeof(struct reject_detail))
        return false;
    struct task_input *input = &batch->inputs[batch->count];
    struct kept_line *line = &batch->lines[batch->count++];
    *input = record->input;
    line->file = record->file;
    line->len = record->line.len;
    line->bytes = keep(batch, record->line.bytes, record->line.len);
    if (input->value != NULL)
        input->value = line->bytes;
    if (input->has_key)
        input->key = keep(batch, record->input.key, record->input.key_len);
    if (input->refused != REASON_applied)
        input->refused_detail = keep(batch, input->refused_detail, strlen(input->refused_detail) + 1);
    return true;
}

void line_batch_clear(struct line_batch *batch) {
    batch->count = batch->bytes_used = 0;
}
