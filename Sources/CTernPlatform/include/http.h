/* HTTP/1.1 on a listening Unix socket: a shim over libevent's evhttp with deadlines, bounded streams and peer credentials.
   Everything runs on the thread that calls tern_http_run, except tern_http_wake. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct tern_http tern_http;

enum {
    TERN_HTTP_OTHER = 0,
    TERN_HTTP_GET = 1,
    TERN_HTTP_HEAD = 2,
    TERN_HTTP_POST = 3,
};

/* Strings live until the call returns. */
typedef struct tern_http_request {
    uint64_t exchange;         /* names this request until it is answered or its client is gone */
    int method;
    const char *target;        /* path and query as sent */
    const char *content_type;  /* NULL when absent */
    size_t body_count;         /* of a body past the limit, one byte more than the limit: the rest is gone */
    int64_t peer_uid, peer_pid; /* SO_PEERCRED, -1 when unknown */
} tern_http_request;

typedef struct tern_http_events {
    void (*request)(void *context, const tern_http_request *request);
    /* A request was answered with a problem before it had arrived whole; the code lives for ever, `peer_uid` is -1 when unknown. */
    void (*refused)(void *context, int status, const char *code, int64_t peer_uid);
    void (*drained)(void *context, uint64_t exchange);  /* a stream can take its next page */
    void (*answered)(void *context, uint64_t exchange); /* the operating system has taken the whole answer of tern_http_reply */
    void (*closed)(void *context, uint64_t exchange);   /* the client left before its answer was complete */
    void (*woken)(void *context);                       /* after tern_http_wake */
    void (*stop)(void *context);                        /* SIGTERM or SIGINT */
    void (*reload)(void *context);                      /* SIGHUP */
} tern_http_events;

typedef struct tern_http_limits {
    size_t body_bytes;              /* of one request */
    size_t receiving_bytes;         /* of all requests that are being received */
    size_t connections;
    unsigned client_milliseconds;   /* for a client to send its whole request, and to take what it is sent */
    unsigned heartbeat_milliseconds; /* an empty line on an idle stream */
} tern_http_limits;

/* NULL when there is no memory or no event loop. The descriptor stays the caller's. */
tern_http *tern_http_create(int listener, const tern_http_limits *limits, const tern_http_events *events, void *context);
/* Until tern_http_finish; 0, or 1 when the loop failed. */
int tern_http_run(tern_http *server);
void tern_http_free(tern_http *server);

/* Any thread: `woken` is called soon. */
void tern_http_wake(tern_http *server);

/* Calls `ready` while a descriptor can be read; it stays the caller's. 0, or 1 when there is no memory. */
int tern_http_watch(tern_http *server, int descriptor, void (*ready)(void *context), void *context);
/* Before the descriptor is closed; also from inside `ready`. */
void tern_http_unwatch(tern_http *server, int descriptor);
/* Forgets every descriptor, period and alarm; not from inside one of their calls. */
void tern_http_drop_watches(tern_http *server);
/* Calls `tick` again and again until the server is freed. 0, or 1 when there is no memory. */
int tern_http_every(tern_http *server, unsigned milliseconds, void (*tick)(void *context), void *context);
/* Calls `ring` once after each tern_http_set_alarm. 0, or 1 when there is no memory. */
int tern_http_add_alarm(tern_http *server, void (*ring)(void *context), void *context);
/* Sets the alarm, or moves it. */
void tern_http_set_alarm(tern_http *server, unsigned milliseconds);

/* The body of a request, while `request` runs. `count` is its byte count. */
int tern_http_copy_body(tern_http *server, uint64_t exchange, void *bytes, size_t count);

/* Answers; nothing happens when the exchange is over. `retry_after_seconds` 0: no such header; `allow` NULL: no such header. */
void tern_http_reply(tern_http *server, uint64_t exchange, int status, const char *content_type, unsigned retry_after_seconds,
                     const char *allow, const void *body, size_t count);

/* A stream of pages. One page may be under way at a time: begin, write, wait for `drained`, write …, end. 0, or 1 when it is over. */
int tern_http_stream_begin(tern_http *server, uint64_t exchange, const char *content_type);
int tern_http_stream_write(tern_http *server, uint64_t exchange, const void *page, size_t count);
int tern_http_stream_is_drained(tern_http *server, uint64_t exchange);
void tern_http_stream_end(tern_http *server, uint64_t exchange);
/* Gives up on a client that is too far behind. */
void tern_http_drop(tern_http *server, uint64_t exchange);

void tern_http_stop_accepting(tern_http *server);
/* Leaves the loop when every answer is written, or 1.7 seconds after tern_http_stop_accepting, which comes first. */
void tern_http_finish(tern_http *server);

/* Connections now; clients closed because they did not send their request, or did not take their answer, in time. */
size_t tern_http_connections(const tern_http *server);
uint64_t tern_http_slow_senders(const tern_http *server);
uint64_t tern_http_slow_readers(const tern_http *server);
