/* restart NOW.yaml NEXT.yaml LOG: a log goes through a task under one configuration, the task is written to
 * its changelog and restored under another, and the state records of both are printed. `replay` knows no
 * restart, so this is how the page for consumers gets its record with the cause `policy` (docs/output.md).
 * One thread. */
#include "changelog.h"
#include "check.h"
#include "history.h"

#include <stdlib.h>

static struct config *load(const char *path) {
    struct config *config = config_load(path, NULL, 0, CONFIG_FOR_REPLAY, false, stderr);
    if (config == NULL)
        exit(EXIT_FAILURE);
    return config;
}

static struct task_setup setup_of(const struct config *config) {
    return (struct task_setup){.rules = &config->rules,
                               .fields = &config->fields,
                               .employees = 16,
                               .segments = 1,
                               .complete_from = config->rules.complete_from,
                               .source = "restart",
                               .has_changelog = true};
}

static void print_states(struct outbox *outbox) {
    for (size_t i = 0; i < outbox->count; i++) {
        const struct out_record *record = &outbox->records[i];
        if (record->output == OUTPUT_STATE && record->value != NULL)
            printf("%.*s\n", (int)record->value_len, record->value);
    }
    outbox_clear(outbox);
}

static void apply_log(struct task *task, char *path, const struct swipe_fields *fields) {
    struct history *history = history_open(&path, 1, fields);
    struct history_record record;
    if (history == NULL)
        exit(EXIT_FAILURE);
    while (history_next(history, &record)) {
        struct task_verdict verdict;
        task_apply(task, &record.input, 1, &verdict);
        print_states(task_outbox(task));
    }
    if (history_failed(history))
        exit(EXIT_FAILURE);
    history_close(&history);
}

static void feed(struct restore *restore, const struct outbox *outbox) {
    char error[256];
    for (size_t i = 0; i < outbox->count; i++) {
        const struct out_record *r = &outbox->records[i];
        CHECK(restore_apply(restore, r->key, r->key_len, r->value, r->value_len, error, sizeof error) ==
              RESTORE_OK);
    }
}

/* The task as a daemon with the configuration of `setup` would start with it. */
static struct task *restart(struct task *task, const struct task_setup *setup) {
    const struct birth birth = {.partitions = 1,
                                .segments = setup->segments,
                                .hash_seed = setup->hash_seed,
                                .complete_from = setup->complete_from};
    struct restore *restore = restore_new(setup);
    struct restored restored;
    struct outbox first;
    char error[256];
    outbox_init(&first);
    changelog_write_birth(&first, &birth);
    feed(restore, &first);
    outbox_fini(&first);
    changelog_write(task, NULL, 0);
    feed(restore, task_outbox(task));
    CHECK(restore_finish(restore, &restored, error, sizeof error) == RESTORE_OK);
    CHECK(restored.rules_changed);
    free(restored.positions);
    restore_free(&restore);
    return restored.task;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return EXIT_FAILURE;
    struct config *now = load(argv[1]), *next = load(argv[2]);
    struct task_setup now_setup = setup_of(now), next_setup = setup_of(next);
    struct task *task = task_new(&now_setup);
    apply_log(task, argv[3], &now->fields);
    struct task *restarted = restart(task, &next_setup);
    task_apply_new_rules(restarted);
    print_states(task_outbox(restarted));
    task_free(&task);
    task_free(&restarted);
    config_free(&now);
    config_free(&next);
    return EXIT_SUCCESS;
}
