/* Events as the JSON that a reader or an HR system would send. Written by hand, without printf: a big log is
 * limited by this. Nothing written here needs a JSON escape. */
#include "parts.h"

#include "check.h"

#include <string.h>

#define PUT(p, literal) put_bytes((p), (literal), sizeof(literal) - 1)

static char *put_bytes(char *p, const char *bytes, size_t len) {
    memcpy(p, bytes, len);
    return p + len;
}

static char *put_text(char *p, const char *text) {
    return put_bytes(p, text, strlen(text));
}

static char *put_number(char *p, uint64_t n, unsigned digits) {
    for (unsigned i = digits; i-- > 0; n /= 10)
        p[i] = (char)('0' + n % 10);
    return p + digits;
}

/* The date `n` days after 1970-01-01. Few dates are printed often. */
static char *put_date(struct company *company, char *p, civil_day date) {
    unsigned slot = (unsigned)date.n % DATES_KEPT;
    if (company->dates[slot].day != date.n) {
        company->dates[slot].day = date.n;
        civil_print(date, company->dates[slot].text);
    }
    return put_bytes(p, company->dates[slot].text, CIVIL_TEXT_BYTES - 1);
}

static char *put_time(struct company *company, char *p, int64_t ms) {
    uint32_t of_day = (uint32_t)(ms % DAY_MS);
    p = put_date(company, p, (civil_day){(int32_t)(ms / DAY_MS)});
    *p++ = 'T';
    p = put_number(p, of_day / HOUR_MS, 2);
    *p++ = ':';
    p = put_number(p, of_day / MINUTE_MS % 60, 2);
    *p++ = ':';
    p = put_number(p, of_day / 1000 % 60, 2);
    *p++ = '.';
    return put_number(p, of_day % 1000, 3);
}

static char *put_employee(const struct company *company, char *p, uint32_t who) {
    *p++ = who < company->setup.people ? 'E' : 'C';
    return put_number(p, ID_FIRST + who, ID_DIGITS);
}

static char *put_occurred(struct company *company, char *p, unsigned site, int64_t ms) {
    switch (company_places[site].vendor) {
    case VENDOR_LOCAL_TIME: {
        int32_t offset_s = zone_offset_s(company->zones, company->zone[site], ms);
        uint32_t minutes = (uint32_t)(offset_s < 0 ? -offset_s : offset_s) / 60;
        *p++ = '"';
        p = put_time(company, p, ms + (int64_t)offset_s * 1000);
        *p++ = offset_s < 0 ? '-' : '+';
        p = put_number(p, minutes / 60, 2);
        *p++ = ':';
        p = put_number(p, minutes % 60, 2);
        *p++ = '"';
        return p;
    }
    case VENDOR_UTC:
        *p++ = '"';
        p = put_time(company, p, ms);
        return PUT(p, "Z\"");
    case VENDOR_EPOCH:
        break;
    }
    unsigned digits = 1;
    for (uint64_t rest = (uint64_t)ms; rest >= 10; rest /= 10)
        digits++;
    return put_number(p, (uint64_t)ms, digits);
}

static char *put_swipe(struct company *company, char *p, const struct event *event, int64_t arrival_ms) {
    static const char *const words[] = {
        [SWIPE_IN] = ",\"result\":\"granted\",\"direction\":\"in\"",
        [SWIPE_ENTERED] = ",\"result\":\"granted_entered\",\"direction\":\"in\"",
        [SWIPE_OUT] = ",\"result\":\"granted\",\"direction\":\"out\"",
        [SWIPE_DOOR] = ",\"direction\":\"unknown\"",
        [SWIPE_DENIED] = ",\"result\":\"denied\",\"direction\":\"in\"",
    };
    static const char hex[] = "0123456789abcdef";
    const struct place *place = &company_places[event->site];
    int64_t occurred_ms = arrival_ms - (int64_t)event->detail + OCCURRED_AHEAD_MS;
    p = PUT(p, ",\"occurred_at\":");
    p = put_occurred(company, p, event->site, occurred_ms);
    p = PUT(p, ",\"site_id\":\"");
    p = put_text(p, place->id);
    *p++ = '"';
    p = put_text(p, words[event->kind]);
    p = PUT(p, ",\"reader_id\":\"");
    p = put_text(p, place->id);
    p = PUT(p, "-R");
    p = put_number(p, event->reader, 2);
    p = PUT(p, "\",\"event_id\":\"");
    uint64_t id = random_mix(company->setup.seed ^ (uint64_t)occurred_ms ^ (uint64_t)event->who << 42);
    for (unsigned shift = 0; shift < 48; shift += 4)
        *p++ = hex[id >> shift & 15];
    return PUT(p, "\"}");
}

static char *put_day_field(struct company *company, char *p, const char *name, civil_day day) {
    p = put_text(p, name);
    p = put_date(company, p, day);
    *p++ = '"';
    return p;
}

static char *put_workdays(char *p, uint8_t workdays) {
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    p = PUT(p, ",\"workdays\":[");
    for (unsigned i = 0; i < WEEK_DAYS; i++)
        if (workdays >> i & 1) {
            *p++ = '"';
            p = put_text(p, names[i]);
            p = PUT(p, "\",");
        }
    p[-1] = ']'; /* in place of the last comma */
    return p;
}

/* The whole record, as HR systems send it, with what is known at this moment. */
static char *put_roster(struct company *company, char *p, const struct event *event, int32_t day) {
    const struct person *person = &company->people[event->who];
    bool is_changed = event->kind == ROSTER_CHANGED || day >= person->changes;
    const struct place *home = &company_places[person->site[is_changed]];
    if (person->habit == HABIT_REMOTE) {
        p = PUT(p, ",\"expectation\":\"none\",\"home_zone\":\"");
        p = put_text(p, home->zone);
    } else {
        p = PUT(p, ",\"home_site\":\"");
        p = put_text(p, home->id);
    }
    *p++ = '"';
    if (person->policy[is_changed] != 0) {
        p = PUT(p, ",\"policy\":\"");
        p = put_text(p, company_policy_ids[person->policy[is_changed]]);
        *p++ = '"';
    }
    if (person->workdays != 0)
        p = put_workdays(p, person->workdays);
    if (event->who > 0) {
        p = PUT(p, ",\"manager_id\":\"");
        p = put_employee(company, p, (event->who - 1) / 9);
        *p++ = '"';
    }
    p = put_day_field(company, p, ",\"hired_on\":\"", company_hired_on(company, event->who));
    if (event->kind == ROSTER_LEAVES)
        p = put_day_field(company, p, ",\"left_on\":\"", company_date(company, person->left));
    if (event->kind == ROSTER_CHANGED)
        p = put_day_field(company, p, ",\"effective_on\":\"", company_date(company, person->changes));
    *p++ = '}';
    return p;
}

static char *put_leave(struct company *company, char *p, const struct event *event) {
    struct spell leave = company_leave_of(company, event->who, (int32_t)event->detail);
    p = PUT(p, ",\"leave_id\":\"L");
    p = put_number(p, ID_FIRST + event->who, ID_DIGITS);
    *p++ = '-';
    p = put_number(p, leave.number, 3);
    p = put_day_field(company, p, "\",\"from\":\"", company_date(company, leave.first));
    p = put_day_field(company, p, ",\"to\":\"", company_date(company, leave.last));
    return leave.is_credit ? PUT(p, ",\"effect\":\"credit\"}") : PUT(p, ",\"effect\":\"excuse\"}");
}

static char *put_closure(struct company *company, char *p, const struct event *event) {
    civil_day day = company_date(company, (int32_t)event->detail);
    p = put_day_field(company, p, ",\"from\":\"", day);
    p = put_day_field(company, p, ",\"to\":\"", day);
    return PUT(p, ",\"kind\":\"closed\"}");
}

void company_print(struct company *company, const struct event *event, int32_t day,
                   struct company_record *out) {
    int64_t arrival_ms = (int64_t)company_date(company, day).n * DAY_MS + (event->order >> 3);
    out->topic = (enum topic)(event->order & 7);
    out->arrival = (arrival_time){arrival_ms};
    out->key = company->key;
    out->value = company->value;
    char *p;
    if (out->topic == TOPIC_CALENDAR) {
        p = put_text(company->key, company_places[event->site].id);
        out->key_len = (size_t)(p - company->key);
        p = PUT(company->value, "{\"site_id\":\"");
    } else {
        p = put_employee(company, company->key, event->who);
        out->key_len = (size_t)(p - company->key);
        p = PUT(company->value, "{\"employee_id\":\"");
    }
    p = put_bytes(p, company->key, out->key_len);
    *p++ = '"';
    if (out->topic == TOPIC_CALENDAR) {
        p = put_closure(company, p, event);
    } else if (out->topic == TOPIC_LEAVE) {
        p = put_leave(company, p, event);
    } else if (out->topic == TOPIC_SWIPES) {
        p = put_swipe(company, p, event, arrival_ms);
    } else if (event->kind == ROSTER_FORGOTTEN) {
        out->value = NULL;
        out->value_len = 0;
        return;
    } else {
        p = put_roster(company, p, event, day);
    }
    out->value_len = (size_t)(p - company->value);
    CHECK(out->value_len <= sizeof company->value);
}

size_t company_print_line(struct company *company, const struct company_record *record,
                          char out[COMPANY_LINE_BYTES]) {
    static const char *const heads[TOPIC_COUNT] = {
        [TOPIC_CALENDAR] = "{\"topic\":\"calendar\",\"arrived_at\":\"",
        [TOPIC_ROSTER] = "{\"topic\":\"roster\",\"arrived_at\":\"",
        [TOPIC_LEAVE] = "{\"topic\":\"leave\",\"arrived_at\":\"",
        [TOPIC_DECISIONS] = "{\"topic\":\"decisions\",\"arrived_at\":\"",
        [TOPIC_SWIPES] = "{\"topic\":\"swipes\",\"arrived_at\":\"",
    };
    char *p = put_text(out, heads[record->topic]);
    p = put_time(company, p, record->arrival.ms);
    p = PUT(p, "Z\",");
    if (record->value != NULL) {
        p = put_bytes(p, record->value + 1, record->value_len - 1);
    } else {
        p = PUT(p, "\"employee_id\":\"");
        p = put_bytes(p, record->key, record->key_len);
        p = PUT(p, "\",\"tombstone\":true}");
    }
    *p++ = '\n';
    return (size_t)(p - out);
}
