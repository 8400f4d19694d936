#include "cternpage.h"

/* #embed is of C23; this compiler knows it in C17 too. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t head[] = {
#embed "page/head.html"
    ,
#embed "page/script.sha256"
    ,
#embed "page/title.html"
    ,
#embed "page/page.css"
    ,
#embed "page/print.css"
    ,
#embed "page/body.html"
};

/* The order is that of their use; page/script.sha256 is of these files in this order. */
static const uint8_t tail[] = {
#embed "page/data.html"
    ,
#embed "page/words.js"
    ,
#embed "page/reasons.js"
    ,
#embed "page/study.js"
    ,
#embed "page/reviews.js"
    ,
#embed "page/elements.js"
    ,
#embed "page/viewer.js"
    ,
#embed "page/decision.js"
    ,
#embed "page/detail.js"
    ,
#embed "page/worklist.js"
    ,
#embed "page/paper.js"
    ,
#embed "page/main.js"
    ,
#embed "page/end.html"
};

const uint8_t *tern_page_head(void) { return head; }
size_t tern_page_head_count(void) { return sizeof head; }
const uint8_t *tern_page_tail(void) { return tail; }
size_t tern_page_tail_count(void) { return sizeof tail; }
