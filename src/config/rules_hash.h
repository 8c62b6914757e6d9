/* The hashes by which a record names its policy and a changelog its rules (SPEC 6): SHA-256 of a canonical
 * text, made from what was read, so that neither layout, order nor a written default changes it. The texts
 * are described in docs/configuration.md; they end in a version of their own. Main thread. */
#ifndef ROLLCALL_RULES_HASH_H
#define ROLLCALL_RULES_HASH_H

#include "config.h"

void policy_hash(const struct policy *policy, char hex[65]);
void rules_hash(const struct rules *rules, uint8_t hash[32]);

#endif
