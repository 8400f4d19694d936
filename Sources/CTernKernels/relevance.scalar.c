#include <math.h>

#include "internal.h"

#define RELEVANCE_NAME(operation) tern_##operation##__scalar
#include "relevance.h"
