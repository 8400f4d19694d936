/* The page of a screening: what stands before its data and what stands behind it. Both are UTF-8 and lie in the program, read-only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Up to the place where one JSON text is expected, in which every < is written as \u003c. */
const uint8_t *tern_page_head(void);
size_t tern_page_head_count(void);

/* From the end of the JSON text to the end of the file. */
const uint8_t *tern_page_tail(void);
size_t tern_page_tail_count(void);
