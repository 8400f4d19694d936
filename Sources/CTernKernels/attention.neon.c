#if defined(__aarch64__)
#include <arm_neon.h>

#include "internal.h"

#include "tile.neon.h"

#include "attention.neon.h"

int tern_attention__neon(const tern_attention *op, size_t part, size_t parts, void *scratch) { return attend(op, part, parts, scratch); }
#endif
