/* What every fuzz target says: one input tried, abort where a property does not hold. */
#ifndef HCF_FUZZ_H
#define HCF_FUZZ_H
#include "hcf.h"
#include <stdlib.h>
#include <string.h>

/* With -DPLANT a property nobody promises: a run that does not find it could find nothing. */
#ifdef PLANT
enum { hcf_planted = 1 };
#else
enum { hcf_planted = 0 };
#endif

static inline void check(int holds) {
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#endif
