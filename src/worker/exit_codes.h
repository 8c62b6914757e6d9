/* Exit codes beside those of <sysexits.h> that SPEC 8 names (64 usage, 75 temporary, 78 configuration). A
 * service manager must not restart on 76 and 78: two instances would fight, or the same contradiction would
 * be found again. */
#ifndef ROLLCALL_EXIT_CODES_H
#define ROLLCALL_EXIT_CODES_H

#include <sysexits.h>

#define EXIT_FORCED                                                                                          \
    2                  /* a second signal: stopped without finishing; nothing is lost, a batch is done again \
                        */
#define EXIT_FENCED 76 /* another instance with the same group.instance.id or transactional.id took over */

#endif
