#if defined(__aarch64__)
#include <math.h>

#include "internal.h"

#define RELEVANCE_NAME(operation) tern_##operation##__neon
#include "relevance.h"
#endif
