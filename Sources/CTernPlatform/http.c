#include "http_state.h"
#include "installation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

enum {
    SWEEP_MILLISECONDS = 200,
    SWEEP_SOON_MILLISECONDS = 10, /* while someone waits for it */
    HEADERS_BYTES = 16 << 10,
    AHEAD_BYTES = 64 << 10, /* what is read of further requests while an answer is owed */
    FINISH_MILLISECONDS = 1700, /* from tern_http_stop_accepting */
};

uint64_t tern_http_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sweep_in(tern_http *server, unsigned delay)
{
    struct timeval after = {0, (suseconds_t)delay * 1000};
    event_add(server->sweeping, &after);
}

/* evhttp goes on reading while it writes. A client that asks on without taking its answers is not read from past a limit; 0: none, since a chunk of a
   body must fit into the buffer whole. */
static void limit_reading(struct client *client, size_t bytes) { bufferevent_setwatermark(client->channel, EV_READ, 0, bytes); }

void tern_http_enter(struct client *client, client_state state)
{
    if ((state == CLIENT_SENDS) != (client->state == CLIENT_SENDS))
        limit_reading(client, state == CLIENT_SENDS ? 0 : AHEAD_BYTES);
    if (client->state == CLIENT_SENDS) {
        client->server->receiving -= client->received;
        client->received = 0;
    }
    client->state = state;
    client->since = tern_http_now();
}

void tern_http_end(struct client *client)
{
    tern_http_enter(client, CLIENT_DROPPED);
    shutdown(bufferevent_getfd(client->channel), SHUT_RDWR);
    bufferevent_trigger_event(client->channel, BEV_EVENT_EOF | BEV_EVENT_ERROR, BEV_OPT_DEFER_CALLBACKS);
}

/* True when the other end is closed, not only done with sending: evhttp does not read while it owes an answer. */
static int has_left(const struct client *client)
{
    struct pollfd channel = {.fd = bufferevent_getfd(client->channel)};
    return poll(&channel, 1, 0) == 1 && (channel.revents & (POLLHUP | POLLERR)) != 0;
}

/* Who is at the other end; 0 when the kernel does not say. */
static int find_peer(struct bufferevent *channel, struct ucred *peer)
{
    socklen_t bytes = sizeof *peer;
    return getsockopt(bufferevent_getfd(channel), SOL_SOCKET, SO_PEERCRED, peer, &bytes) == 0;
}

/* Answers a client that evhttp is still reading from, past evhttp: it has written nothing on this connection. */
static void refuse(struct client *client, const char *status_line, int status, const char *code, const char *message)
{
    char body[256], answer[512];
    int body_count = snprintf(body, sizeof body, "{\"status\":%d,\"code\":\"%s\",\"message\":\"%s\"}\n", status, code, message);
    int count = snprintf(answer, sizeof answer,
                         "HTTP/1.1 %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s",
                         status_line, body_count, status == 503 ? "Retry-After: 1\r\n" : "", body);
    /* An empty socket buffer takes it whole. */
    (void)!send(bufferevent_getfd(client->channel), answer, (size_t)count, MSG_NOSIGNAL | MSG_DONTWAIT);
    struct ucred peer;
    int64_t uid = find_peer(client->channel, &peer) ? (int64_t)peer.uid : -1;
    tern_http_end(client);
    client->server->events.refused(client->server->context, status, code, uid);
}

static void on_received(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *argument)
{
    struct client *client = argument;
    tern_http *server = client->server;
    (void)buffer;
    if (client->state != CLIENT_SENDS || info->n_added == 0)
        return;
    if (client->received == 0)
        client->since = tern_http_now();
    client->received += info->n_added;
    server->receiving += info->n_added;
    /* A body past the limit is read on, so that a client that asks only after it has sent finds the 413; twice is enough. */
    if (client->received / 2 > server->limits.body_bytes + HEADERS_BYTES)
        refuse(client, "413 Content Too Large", 413, "body_too_large", "the body is larger than this server accepts");
    else if (server->receiving > server->limits.receiving_bytes)
        refuse(client, "503 Service Unavailable", 503, "receiving_full", "too many bytes are being received at once");
}

static struct bufferevent *on_connection(struct event_base *base, void *argument)
{
    tern_http *server = argument;
    struct client *client = calloc(1, sizeof *client);
    struct bufferevent *channel = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (!client || !channel || !evbuffer_add_cb(bufferevent_get_input(channel), on_received, client)) {
        free(client);
        if (channel)
            bufferevent_free(channel);
        return NULL;
    }
    bufferevent_incref(channel);
    client->server = server;
    client->channel = channel;
    client->state = CLIENT_SENDS;
    client->since = tern_http_now();
    TAILQ_INSERT_TAIL(&server->clients, client, next);
    server->connections++;
    if (server->connections >= server->limits.connections && !server->paused) {
        /* The next sweep takes in again, when connections are only waiting for it. */
        server->paused = 1;
        evconnlistener_disable(server->listener);
        sweep_in(server, 1);
    } else if (!evtimer_pending(server->sweeping, NULL)) {
        sweep_in(server, SWEEP_MILLISECONDS);
    }
    return channel;
}

struct client *tern_http_find(tern_http *server, uint64_t exchange)
{
    struct client *client;
    TAILQ_FOREACH(client, &server->clients, next)
        if (client->exchange == exchange && client->request && client->state != CLIENT_DROPPED)
            return client;
    return NULL;
}

/* evhttp frees a connection. A request that it has cut off from its connection is ours to free. */
static void on_close(struct evhttp_connection *connection, void *argument)
{
    struct client *client = argument;
    (void)connection;
    struct evhttp_request *request = client->request;
    uint64_t exchange = client->exchange ? client->exchange : client->answering;
    client->request = NULL;
    client->exchange = 0;
    client->answering = 0;
    tern_http_enter(client, CLIENT_DROPPED);
    if (request && !evhttp_request_get_connection(request))
        evhttp_request_free(request);
    if (exchange)
        client->server->events.closed(client->server->context, exchange);
}

/* The answer is written; a connection that stays open waits for its next request. */
static void on_complete(struct evhttp_request *request, void *argument)
{
    struct client *client = argument;
    uint64_t answered = client->answering;
    client->request = NULL;
    client->exchange = 0;
    client->answering = 0;
    client->streams = 0;
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    if (client->state != CLIENT_DROPPED)
        tern_http_enter(client, CLIENT_SENDS);
    if (answered)
        client->server->events.answered(client->server->context, answered);
}

static void on_request(struct evhttp_request *request, void *argument)
{
    tern_http *server = argument;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *channel = evhttp_connection_get_bufferevent(connection);
    struct client *client;
    TAILQ_FOREACH(client, &server->clients, next)
        if (client->channel == channel)
            break;
    if (!client || client->state == CLIENT_DROPPED) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    client->request = request;
    client->exchange = ++server->last_exchange;
    tern_http_enter(client, CLIENT_WAITS);
    evhttp_connection_set_closecb(connection, on_close, client);
    evhttp_request_set_on_complete_cb(request, on_complete, client);

    /* One byte past the limit says that it is too large. */
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t body_count = evbuffer_get_length(body);
    if (body_count > server->limits.body_bytes) {
        evbuffer_drain(body, body_count - server->limits.body_bytes - 1);
        body_count = server->limits.body_bytes + 1;
    }
    struct ucred peer;
    int known = find_peer(channel, &peer);
    tern_http_request view = {
        .exchange = client->exchange,
        .target = evhttp_request_get_uri(request),
        .content_type = evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type"),
        .body_count = body_count,
        .peer_uid = known ? (int64_t)peer.uid : -1,
        .peer_pid = known ? (int64_t)peer.pid : -1,
    };
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET: view.method = TERN_HTTP_GET; break;
    case EVHTTP_REQ_HEAD: view.method = TERN_HTTP_HEAD; break;
    case EVHTTP_REQ_POST: view.method = TERN_HTTP_POST; break;
    default: view.method = TERN_HTTP_OTHER; break;
    }
    server->events.request(server->context, &view);
}

/* What one client's time allows. Gives 1 when the record is to be freed. */
static int look_after(struct client *client, uint64_t now)
{
    tern_http *server = client->server;
    bufferevent_data_cb readable = NULL, writable = NULL;
    bufferevent_event_cb event = NULL;
    bufferevent_getcb(client->channel, &readable, &writable, &event, NULL);
    if (!readable && !writable && !event)
        return 1;
    uint64_t elapsed = now - client->since;
    switch (client->state) {
    case CLIENT_SENDS:
        if (elapsed < server->limits.client_milliseconds && !(server->stopped && client->received == 0))
            break;
        if (client->received == 0) {
            tern_http_end(client); /* kept open, nothing asked */
        } else {
            server->slow_senders++;
            refuse(client, "408 Request Timeout", 408, "request_timeout", "the request did not arrive in time");
        }
        break;
    case CLIENT_TAKES:
        if (elapsed >= server->limits.client_milliseconds) {
            server->slow_readers++;
            tern_http_end(client);
        }
        break;
    case CLIENT_STREAMS:
        if (has_left(client))
            tern_http_end(client);
        else if (elapsed >= server->limits.heartbeat_milliseconds)
            tern_http_stream_write(server, client->exchange, "\n", 1);
        break;
    case CLIENT_WAITS:
        if (has_left(client))
            tern_http_end(client);
        break;
    case CLIENT_DROPPED:
        break;
    }
    return 0;
}

static void sweep(evutil_socket_t descriptor, short what, void *argument)
{
    tern_http *server = argument;
    (void)descriptor;
    (void)what;
    uint64_t now = tern_http_now();
    int busy = 0;
    struct client *client = TAILQ_FIRST(&server->clients);
    while (client) {
        struct client *next = TAILQ_NEXT(client, next);
        if (look_after(client, now)) {
            tern_http_enter(client, CLIENT_DROPPED);
            TAILQ_REMOVE(&server->clients, client, next);
            evbuffer_remove_cb(bufferevent_get_input(client->channel), on_received, client);
            bufferevent_decref(client->channel);
            free(client);
            server->connections--;
        } else if (client->state == CLIENT_WAITS || client->state == CLIENT_TAKES) {
            busy = 1;
        }
        client = next;
    }
    if (server->paused && !server->stopped && server->connections < server->limits.connections) {
        server->paused = 0;
        evconnlistener_enable(server->listener);
    }
    if (server->finishing && (!busy || now >= server->finish_by)) {
        event_base_loopbreak(server->base);
        return;
    }
    if (!TAILQ_EMPTY(&server->clients) || server->finishing)
        sweep_in(server, server->finishing || server->paused ? SWEEP_SOON_MILLISECONDS : SWEEP_MILLISECONDS);
}

static void on_wake(evutil_socket_t descriptor, short what, void *argument)
{
    tern_http *server = argument;
    uint64_t count;
    (void)what;
    (void)!read(descriptor, &count, sizeof count);
    server->events.woken(server->context);
}

static void on_signal(evutil_socket_t number, short what, void *argument)
{
    tern_http *server = argument;
    (void)number;
    (void)what;
    server->events.stop(server->context);
}

static void on_reload(evutil_socket_t number, short what, void *argument)
{
    tern_http *server = argument;
    (void)number;
    (void)what;
    server->events.reload(server->context);
}

void tern_http_wake(tern_http *server)
{
    uint64_t one = 1;
    (void)!write(server->wake_descriptor, &one, sizeof one);
}

tern_http *tern_http_create(int listener, const tern_http_limits *limits, const tern_http_events *events, void *context)
{
    tern_http *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    TAILQ_INIT(&server->clients);
    LIST_INIT(&server->watches);
    server->limits = *limits;
    server->events = *events;
    server->context = context;
    server->wake_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->base = event_base_new();
    if (!server->base || server->wake_descriptor < 0)
        goto failed;
    server->http = evhttp_new(server->base);
    server->listener = evconnlistener_new(server->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, listener);
    server->woken = event_new(server->base, server->wake_descriptor, EV_READ | EV_PERSIST, on_wake, server);
    server->sweeping = evtimer_new(server->base, sweep, server);
    server->terminate = evsignal_new(server->base, SIGTERM, on_signal, server);
    server->interrupt = evsignal_new(server->base, SIGINT, on_signal, server);
    server->reload = evsignal_new(server->base, SIGHUP, on_reload, server);
    if (!server->http || !server->listener || !server->woken || !server->sweeping || !server->terminate || !server->interrupt ||
        !server->reload)
        goto failed;
    evhttp_set_bevcb(server->http, on_connection, server);
    evhttp_set_gencb(server->http, on_request, server);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(server->http, HEADERS_BYTES);
    /* The limit of a body is ours: evhttp would answer with a page of its own, unseen by the service. */
    /* The deadlines of `sweep` come first. */
    evhttp_set_timeout(server->http, (int)(limits->client_milliseconds / 1000) * 2 + 60);
    if (!evhttp_bind_listener(server->http, server->listener) || event_add(server->woken, NULL) != 0 ||
        evsignal_add(server->terminate, NULL) != 0 || evsignal_add(server->interrupt, NULL) != 0 ||
        evsignal_add(server->reload, NULL) != 0)
        goto failed;
    return server;
failed:
    tern_http_free(server);
    return NULL;
}

int tern_http_run(tern_http *server)
{
    tern_take_reload();
    return event_base_dispatch(server->base) < 0;
}

void tern_http_free(tern_http *server)
{
    if (!server)
        return;
    /* Frees the connections, and through on_close and the references below every client; the listener belongs to it once bound. */
    if (server->http)
        evhttp_free(server->http);
    struct client *client;
    while ((client = TAILQ_FIRST(&server->clients))) {
        TAILQ_REMOVE(&server->clients, client, next);
        evbuffer_remove_cb(bufferevent_get_input(client->channel), on_received, client);
        bufferevent_decref(client->channel);
        free(client);
    }
    tern_http_drop_watches(server);
    struct event *events[] = {server->woken, server->sweeping, server->terminate, server->interrupt, server->reload};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (events[i])
            event_free(events[i]);
    if (server->base) {
        /* What bufferevents left for later. */
        event_base_loop(server->base, EVLOOP_NONBLOCK);
        event_base_free(server->base);
    }
    if (server->wake_descriptor >= 0)
        close(server->wake_descriptor);
    free(server);
}

void tern_http_stop_accepting(tern_http *server)
{
    server->stopped = 1;
    server->finish_by = tern_http_now() + FINISH_MILLISECONDS;
    evconnlistener_disable(server->listener);
}

void tern_http_finish(tern_http *server)
{
    if (server->finishing)
        return;
    server->finishing = 1;
    sweep_in(server, 1);
}

size_t tern_http_connections(const tern_http *server) { return server->connections; }
uint64_t tern_http_slow_senders(const tern_http *server) { return server->slow_senders; }
uint64_t tern_http_slow_readers(const tern_http *server) { return server->slow_readers; }
