#if defined(__aarch64__)
#include <arm_neon.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#include "tile.neondot.h"

#include "attention.neon.h"

int tern_attention__neondot(const tern_attention *op, size_t part, size_t parts, void *scratch) { return attend(op, part, parts, scratch); }
#pragma clang attribute pop
#endif
