#include "http_state.h"

#include <stdio.h>

#include <event2/buffer.h>
#include <event2/http_struct.h>

int tern_http_copy_body(tern_http *server, uint64_t exchange, void *bytes, size_t count)
{
    struct client *client = tern_http_find(server, exchange);
    if (!client)
        return 1;
    struct evbuffer *body = evhttp_request_get_input_buffer(client->request);
    ev_ssize_t copied = evbuffer_remove(body, bytes, count);
    return copied < 0 || (size_t)copied != count;
}

void tern_http_reply(tern_http *server, uint64_t exchange, int status, const char *content_type, unsigned retry_after_seconds,
                     const char *allow, const void *body, size_t count)
{
    struct client *client = tern_http_find(server, exchange);
    if (!client)
        return;
    struct evhttp_request *request = client->request;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *buffer = evbuffer_new();
    char seconds[16], length[24];
    evhttp_add_header(headers, "Content-Type", content_type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    if (retry_after_seconds) {
        snprintf(seconds, sizeof seconds, "%u", retry_after_seconds);
        evhttp_add_header(headers, "Retry-After", seconds);
    }
    if (allow)
        evhttp_add_header(headers, "Allow", allow);
    if (server->stopped)
        evhttp_add_header(headers, "Connection", "close");
    int sends_body = evhttp_request_get_command(request) != EVHTTP_REQ_HEAD;
    if (!sends_body && count) {
        /* libevent gives the length of bodies that it sends alone. */
        snprintf(length, sizeof length, "%zu", count);
        evhttp_add_header(headers, "Content-Length", length);
    }
    if (!buffer || (sends_body && count && evbuffer_add(buffer, body, count) != 0)) {
        if (buffer)
            evbuffer_free(buffer);
        tern_http_end(client);
        return;
    }
    tern_http_enter(client, CLIENT_TAKES);
    client->exchange = 0; /* answered: nothing more can be said on it */
    client->answering = exchange;
    evhttp_send_reply(request, status, NULL, buffer);
    evbuffer_free(buffer);
}

static void on_drained(struct evhttp_connection *connection, void *argument)
{
    struct client *client = argument;
    (void)connection;
    if (client->state != CLIENT_TAKES || !client->streams)
        return;
    tern_http_enter(client, CLIENT_STREAMS);
    client->server->events.drained(client->server->context, client->exchange);
}

int tern_http_stream_begin(tern_http *server, uint64_t exchange, const char *content_type)
{
    struct client *client = tern_http_find(server, exchange);
    if (!client)
        return 1;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(client->request);
    evhttp_add_header(headers, "Content-Type", content_type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    client->streams = 1;
    tern_http_enter(client, CLIENT_STREAMS);
    evhttp_send_reply_start(client->request, 200, NULL);
    return tern_http_find(server, exchange) ? 0 : 1;
}

int tern_http_stream_write(tern_http *server, uint64_t exchange, const void *page, size_t count)
{
    struct client *client = tern_http_find(server, exchange);
    if (!client || client->state != CLIENT_STREAMS)
        return 1;
    struct evbuffer *buffer = evbuffer_new();
    if (!buffer || evbuffer_add(buffer, page, count) != 0) {
        if (buffer)
            evbuffer_free(buffer);
        tern_http_end(client);
        return 1;
    }
    tern_http_enter(client, CLIENT_TAKES);
    evhttp_send_reply_chunk_with_cb(client->request, buffer, on_drained, client);
    evbuffer_free(buffer);
    return 0;
}

int tern_http_stream_is_drained(tern_http *server, uint64_t exchange)
{
    struct client *client = tern_http_find(server, exchange);
    return client && client->state == CLIENT_STREAMS;
}

void tern_http_stream_end(tern_http *server, uint64_t exchange)
{
    struct client *client = tern_http_find(server, exchange);
    if (!client || !client->streams)
        return;
    client->streams = 0;
    client->exchange = 0;
    tern_http_enter(client, CLIENT_TAKES);
    evhttp_send_reply_end(client->request);
}

void tern_http_drop(tern_http *server, uint64_t exchange)
{
    struct client *client = tern_http_find(server, exchange);
    if (!client)
        return;
    server->slow_readers++;
    tern_http_end(client);
}
