/* What http.c (loop, connections, deadlines) and http_answer.c (answers and streams) share. */
#pragma once

#include "http.h"

#include <sys/queue.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

typedef enum client_state {
    CLIENT_SENDS,    /* we wait for a request */
    CLIENT_WAITS,    /* the request is being worked on */
    CLIENT_TAKES,    /* the answer is under way */
    CLIENT_STREAMS,  /* a stream with nothing under way */
    CLIENT_DROPPED,  /* shut down, evhttp will notice */
} client_state;

/* One connection. evhttp owns the connection; this record holds a reference to its bufferevent, so that the descriptor stays ours
   until `sweep` sees that evhttp let go of it (no callbacks are set any more). */
struct client {
    TAILQ_ENTRY(client) next;
    tern_http *server;
    struct bufferevent *channel;
    struct evhttp_request *request; /* while the handler owes an answer or a stream is open */
    uint64_t exchange;              /* 0: none */
    uint64_t answering;             /* the exchange whose answer is under way; 0: none, or a stream */
    uint64_t since;                 /* when the state began, milliseconds */
    size_t received;                /* bytes of the request that is being received */
    client_state state;
    int streams;
};

struct tern_http {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *woken, *sweeping, *terminate, *interrupt, *reload;
    LIST_HEAD(watches, watch) watches;
    TAILQ_HEAD(clients, client) clients;
    tern_http_limits limits;
    tern_http_events events;
    void *context;
    size_t connections, receiving;
    uint64_t last_exchange, slow_senders, slow_readers, finish_by;
    int wake_descriptor, paused, stopped, finishing;
};

/* Monotonic. */
uint64_t tern_http_now(void);
/* Changes a client's state and starts its time. */
void tern_http_enter(struct client *client, client_state state);
/* Ends a connection: evhttp is told a little later, since it may be our caller, and frees it. */
void tern_http_end(struct client *client);
/* The client of an exchange that is not over, or NULL. */
struct client *tern_http_find(tern_http *server, uint64_t exchange);
