#if defined(__aarch64__)
#include <arm_neon.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("dotprod,i8mm"))), apply_to = function)
#include "tile.neoni8mm.h"

#include "attention.neon.h"

int tern_attention__neoni8mm(const tern_attention *op, size_t part, size_t parts, void *scratch) { return attend(op, part, parts, scratch); }
#pragma clang attribute pop
#endif
