/* The configuration of a made-up company as files of a folder: generate --config, demo. Main thread. */
#ifndef ROLLCALL_COMPANY_FILES_H
#define ROLLCALL_COMPANY_FILES_H

#include "company.h"

/* Makes the folder if there is none, and writes rollcall.yaml, policies.yaml and sites.yaml in it. False,
 * with a message, on failure. */
bool company_files_write(const struct company_setup *setup, const char *folder);
/* Removes these files and the folder. */
void company_files_remove(const char *folder);

#endif
