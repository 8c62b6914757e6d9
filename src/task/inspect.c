/* See inspect.h. */
#include "inspect.h"

#include "task_state.h"

#include <string.h>

static enum status status_of(const struct table_slot *slot) {
    struct slot_value value;
    table_get(slot, &value);
    return (enum status)value.status;
}

bool inspect_next(const struct task *task, struct people_walk *walk, struct person_status *out) {
    walk->at = table_next(task->table, walk->at);
    if (walk->at == NULL)
        return false;
    size_t len;
    const char *id = table_id(walk->at, &len);
    out->id.len = (uint8_t)len;
    memcpy(out->id.bytes, id, len);
    out->status = status_of(walk->at);
    return true;
}

static struct table_slot *find(const struct task *task, const struct short_text *id) {
    return table_find(task->table, id->bytes, id->len, table_hash(task->table, id->bytes, id->len));
}

enum status inspect_status(const struct task *task, const struct short_text *id) {
    const struct table_slot *slot = find(task, id);
    return slot ? status_of(slot) : STATUS_NONE;
}
