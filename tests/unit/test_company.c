/* The made-up company: the guarantees of company.h. */
#include "unit_test.h"

#include "civil.h"
#include "company.h"
#include "decode.h"
#include "random.h"

static struct zones *zones; /* loaded once, kept to the end of the process */

static struct company_setup small_setup(void) {
    char error[256];
    if (zones == NULL)
        zones = zones_load(NULL, 0, error, sizeof error);
    assert_non_null(zones);
    struct company_setup setup = {.people = 200, .seed = 1};
    civil_from_ymd(2023, 5, 1, &setup.from);
    civil_from_ymd(2023, 7, 9, &setup.to);
    setup.end_ms = company_end_of_day(zones, setup.to);
    return setup;
}

/* A number that stands for all lines of a log, and how many there are. */
static uint64_t digest(const struct company_setup *setup, uint64_t *count) {
    struct company *company = company_new(setup, zones);
    struct company_record record;
    uint64_t sum = 0;
    *count = 0;
    while (company_next(company, &record)) {
        char line[COMPANY_LINE_BYTES];
        size_t len = company_print_line(company, &record, line);
        for (size_t i = 0; i < len; i++)
            sum = random_mix(sum ^ (unsigned char)line[i]);
        ++*count;
    }
    company_free(&company);
    return sum;
}

static void same_setup_same_log(void **state) {
    (void)state;
    struct company_setup setup = small_setup();
    uint64_t count, again, other;
    uint64_t sum = digest(&setup, &count);
    assert_int_equal(digest(&setup, &again), sum);
    assert_int_equal(again, count);
    assert_true(count > 200 * 50);
    setup.seed = 2;
    assert_int_not_equal(digest(&setup, &other), sum);
}

/* Another machine or compiler must give the same bytes; change the number when the company is changed. */
static void log_is_the_same_everywhere(void **state) {
    (void)state;
    struct company_setup setup = small_setup();
    uint64_t count;
    uint64_t sum = digest(&setup, &count);
    assert_int_equal(count, 25690);
    assert_int_equal(sum, UINT64_C(0x7dc049204f09b08a));
}

static void sorted_by_arrival_and_topic(void **state) {
    (void)state;
    struct company_setup setup = small_setup();
    setup.people = 3000; /* enough that some records share a millisecond */
    struct company *company = company_new(&setup, zones);
    struct company_record record;
    int64_t last_ms = 0;
    enum topic last_topic = TOPIC_CALENDAR;
    uint64_t equal = 0;
    while (company_next(company, &record)) {
        assert_true(record.arrival.ms >= last_ms);
        assert_true(record.arrival.ms < setup.end_ms);
        if (record.arrival.ms == last_ms) {
            assert_true(record.topic >= last_topic);
            equal++;
        }
        last_ms = record.arrival.ms;
        last_topic = record.topic;
    }
    assert_true(equal > 0);
    assert_true(last_ms > setup.end_ms - 12 * 3600 * 1000);
    company_free(&company);
}

/* What arrives before the earlier end is the same: the end only cuts. */
static void end_only_cuts(void **state) {
    (void)state;
    struct company_setup setup = small_setup(), cut = small_setup();
    cut.end_ms -= INT64_C(30) * 24 * 3600 * 1000;
    struct company *whole = company_new(&setup, zones), *part = company_new(&cut, zones);
    struct company_record a, b;
    while (company_next(part, &b)) {
        assert_true(company_next(whole, &a));
        assert_int_equal(a.arrival.ms, b.arrival.ms);
        assert_int_equal(a.key_len, b.key_len);
        assert_memory_equal(a.key, b.key, b.key_len);
        assert_int_equal(a.value_len, b.value_len);
    }
    assert_true(company_next(whole, &a));
    assert_true(a.arrival.ms >= cut.end_ms);
    company_free(&whole);
    company_free(&part);
}

static bool contains(const struct company_record *record, const char *text) {
    return record->value != NULL && memmem(record->value, record->value_len, text, strlen(text)) != NULL;
}

/* Two years of few people: joiners, leavers, the forgotten, movers, travellers, contractors, faults all
 * happen. */
static void everything_happens(void **state) {
    (void)state;
    struct company_setup setup = small_setup();
    setup.people = 2000;
    setup.to = day_plus(setup.from, 364);
    setup.end_ms = company_end_of_day(zones, setup.to);
    struct company *company = company_new(&setup, zones);
    struct company_record record;
    uint64_t topics[TOPIC_COUNT] = {0}, joined = 0, left = 0, forgotten = 0, moved = 0, denied = 0,
             contractors = 0;
    while (company_next(company, &record)) {
        topics[record.topic]++;
        bool is_roster = record.topic == TOPIC_ROSTER;
        joined += is_roster && contains(&record, "\"hired_on\":\"2023-1");
        left += is_roster && contains(&record, "\"left_on\":");
        forgotten += is_roster && record.value == NULL;
        moved += is_roster && contains(&record, "\"effective_on\":");
        denied += contains(&record, "\"result\":\"denied\"");
        contractors += record.key[0] == 'C';
    }
    assert_true(topics[TOPIC_ROSTER] > 2000 && topics[TOPIC_SWIPES] > 500000);
    assert_true(topics[TOPIC_LEAVE] > 2000 && topics[TOPIC_CALENDAR] > 20);
    assert_int_equal(topics[TOPIC_DECISIONS], 0);
    assert_true(joined > 10 && left > 50 && forgotten > 10 && moved > 20 && denied > 100 &&
                contractors > 1000);
    company_free(&company);
}

static enum reason decode(const struct company_record *record, struct short_text *id) {
    static const struct swipe_fields fields = {"employee_id", "occurred_at", "site_id", "result",
                                               "direction"};
    struct reject_detail detail;
    struct swipe swipe = {0};
    struct roster_record roster = {0};
    struct leave_record leave = {0};
    struct calendar_record closure = {0};
    enum reason reason = REASON_no_clock;
    if (record->topic == TOPIC_SWIPES)
        reason = decode_swipe(&fields, NULL, record->value, record->value_len, &swipe, &detail);
    else if (record->topic == TOPIC_ROSTER)
        reason = decode_roster(record->value, record->value_len, &roster, &detail);
    else if (record->topic == TOPIC_LEAVE)
        reason = decode_leave(record->value, record->value_len, &leave, &detail);
    else
        reason = decode_calendar(record->value, record->value_len, &closure, &detail);
    *id = record->topic == TOPIC_SWIPES   ? swipe.employee
          : record->topic == TOPIC_ROSTER ? roster.employee
          : record->topic == TOPIC_LEAVE  ? leave.employee
                                          : closure.site;
    return reason;
}

static void every_record_is_of_right_form(void **state) {
    (void)state;
    struct company_setup setup = small_setup();
    setup.people = 2000;
    struct company *company = company_new(&setup, zones);
    struct company_record record;
    while (company_next(company, &record)) {
        struct short_text id;
        struct envelope envelope;
        struct reject_detail detail;
        char line[COMPANY_LINE_BYTES];
        if (record.value != NULL) {
            assert_int_equal(decode(&record, &id), REASON_applied);
            assert_int_equal(id.len, record.key_len);
            assert_memory_equal(id.bytes, record.key, id.len);
        }
        size_t len = company_print_line(company, &record, line);
        assert_int_equal(line[len - 1], '\n');
        assert_int_equal(decode_envelope(line, len - 1, &envelope, &detail), REASON_applied);
        assert_int_equal(envelope.topic, record.topic);
        assert_int_equal(envelope.is_tombstone, record.value == NULL);
        assert_true(envelope.has_arrived_at);
        assert_int_equal(envelope.arrived_at.ms, record.arrival.ms);
    }
    company_free(&company);
}

static void one_person_one_day(void **state) {
    (void)state;
    struct company_setup setup = small_setup();
    setup.people = 1;
    setup.to = setup.from;
    setup.end_ms = company_end_of_day(zones, setup.to);
    struct company *company = company_new(&setup, zones);
    struct company_record record;
    do /* the closures of the day */
        assert_true(company_next(company, &record));
    while (record.topic == TOPIC_CALENDAR);
    assert_int_equal(record.topic, TOPIC_ROSTER);
    assert_int_equal(record.arrival.ms, (int64_t)(setup.from.n - 1) * 86400000 + 12 * 3600000);
    company_free(&company);
    assert_null(company);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(same_setup_same_log),         cmocka_unit_test(log_is_the_same_everywhere),
    cmocka_unit_test(sorted_by_arrival_and_topic), cmocka_unit_test(end_only_cuts),
    cmocka_unit_test(everything_happens),          cmocka_unit_test(every_record_is_of_right_form),
    cmocka_unit_test(one_person_one_day),
};
UNIT_TEST_MAIN(tests)
