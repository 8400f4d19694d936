#if defined(__aarch64__)
#include "resize.h"

#define RESIZE_NAME(operation) tern_resize_##operation##__neon
#define LUMINANCE_NAME tern_luminance_u8__neon
#include "resize_u8.h"
#endif
