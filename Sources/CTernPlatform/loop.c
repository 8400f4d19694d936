/* What else the loop of a server looks after: descriptors and periods. */
#include "http_state.h"

#include <stdlib.h>

struct watch {
    LIST_ENTRY(watch) next;
    struct event *event;
    int descriptor; /* -1: a period */
    void (*ready)(void *context);
    void *context;
};

static void on_ready(evutil_socket_t descriptor, short what, void *argument)
{
    struct watch *watch = argument;
    (void)descriptor;
    (void)what;
    watch->ready(watch->context);
}

static int add(tern_http *server, int descriptor, unsigned milliseconds, void (*ready)(void *context), void *context)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return 1;
    struct timeval period = {(time_t)(milliseconds / 1000), (suseconds_t)(milliseconds % 1000) * 1000};
    watch->event = event_new(server->base, descriptor, EV_PERSIST | (descriptor < 0 ? 0 : EV_READ), on_ready, watch);
    if (!watch->event || event_add(watch->event, descriptor < 0 ? &period : NULL) != 0) {
        if (watch->event)
            event_free(watch->event);
        free(watch);
        return 1;
    }
    watch->descriptor = descriptor;
    watch->ready = ready;
    watch->context = context;
    LIST_INSERT_HEAD(&server->watches, watch, next);
    return 0;
}

static void drop(struct watch *watch)
{
    LIST_REMOVE(watch, next);
    event_free(watch->event);
    free(watch);
}

int tern_http_watch(tern_http *server, int descriptor, void (*ready)(void *context), void *context)
{
    return add(server, descriptor, 0, ready, context);
}

int tern_http_every(tern_http *server, unsigned milliseconds, void (*tick)(void *context), void *context)
{
    return add(server, -1, milliseconds, tick, context);
}

void tern_http_unwatch(tern_http *server, int descriptor)
{
    struct watch *watch;
    LIST_FOREACH(watch, &server->watches, next)
        if (watch->descriptor == descriptor) {
            drop(watch);
            return;
        }
}

void tern_http_drop_watches(tern_http *server)
{
    while (!LIST_EMPTY(&server->watches))
        drop(LIST_FIRST(&server->watches));
}
