/* See days.h. */
#include "days.h"

/* The seven weekdays repeat over the window: a multiplication by a number with every seventh bit set lays a
 * pattern of 7 bits down over all of it. */
day_bits days_of_weekdays(uint8_t weekdays, civil_day first) {
    const uint64_t every_seventh = UINT64_C(0x8102040810204081); /* bits 0, 7, ... 63 */
    unsigned shift = day_weekday(first);
    unsigned pattern = ((unsigned)weekdays >> shift | (unsigned)weekdays << (WEEK_DAYS - shift)) & 0x7f;
    day_bits low = (day_bits)every_seventh * pattern; /* days 0..69 */
    return low | low << 70;
}
