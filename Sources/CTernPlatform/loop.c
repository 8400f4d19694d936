/* What else the loop of a server looks after: descriptors and periods. */
#include "http_state.h"

#include <stdlib.h>

enum { WATCH_PERIOD = -1, WATCH_ALARM = -2 };

struct watch {
    LIST_ENTRY(watch) next;
    struct event *event;
    int descriptor; /* or one of the above */
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

static struct timeval span_of(unsigned milliseconds)
{
    return (struct timeval){(time_t)(milliseconds / 1000), (suseconds_t)(milliseconds % 1000) * 1000};
}

static int add(tern_http *server, int descriptor, unsigned milliseconds, void (*ready)(void *context), void *context)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return 1;
    struct timeval period = span_of(milliseconds);
    short what = descriptor >= 0 ? EV_PERSIST | EV_READ : descriptor == WATCH_PERIOD ? EV_PERSIST : 0;
    watch->event = event_new(server->base, descriptor < 0 ? -1 : descriptor, what, on_ready, watch);
    if (!watch->event || (descriptor != WATCH_ALARM && event_add(watch->event, descriptor < 0 ? &period : NULL) != 0)) {
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
    return add(server, WATCH_PERIOD, milliseconds, tick, context);
}

int tern_http_add_alarm(tern_http *server, void (*ring)(void *context), void *context)
{
    return add(server, WATCH_ALARM, 0, ring, context);
}

void tern_http_set_alarm(tern_http *server, unsigned milliseconds)
{
    struct timeval after = span_of(milliseconds);
    struct watch *watch;
    LIST_FOREACH(watch, &server->watches, next)
        if (watch->descriptor == WATCH_ALARM)
            event_add(watch->event, &after);
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
