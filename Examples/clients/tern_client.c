/* A client of ternd in C: POSIX and nothing else.
 *
 *     cc -O2 -Wall -o tern_client tern_client.c
 *     ./tern_client /run/tern/tern.sock submit application/dicom image.dcm     one study; the result on standard output
 *     ./tern_client /run/tern/tern.sock follow position.txt                    results as lines, from where position.txt says, for ever
 *
 * Exit codes: 0 a result, 1 the study was refused or failed (the answer is on standard output), 2 ternd cannot be reached or the words are wrong.
 * HTTP/1.1 answers come with Content-Length or in chunks (RFC 9112 section 7.1); both are read. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_SECONDS = 600, /* for an accepted study to get its result, over starts of ternd */
    CONFIRM_RESULTS = 100,  /* a reader says so often what it has */
    CONFIRM_SECONDS = 60,
};

/* A connection: requests are written to its descriptor, answers are read from the stream. */
static FILE *reach(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (channel < 0 || strlen(path) >= sizeof address.sun_path)
        return NULL;
    strcpy(address.sun_path, path);
    if (connect(channel, (struct sockaddr *)&address, sizeof address) != 0) {
        close(channel);
        return NULL;
    }
    return fdopen(channel, "r");
}

/* Whether all was taken. A body that is too large is answered before it has arrived whole, so that there may be an answer in any case. */
static int put(FILE *channel, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t taken = send(fileno(channel), bytes, count, MSG_NOSIGNAL);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0)
            return 0;
        bytes += taken;
        count -= (size_t)taken;
    }
    return 1;
}

static int get(FILE *channel, const char *target)
{
    char head[256];
    int count = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: tern\r\n\r\n", target);
    return put(channel, head, (size_t)count);
}

struct answer {
    int status;
    long length; /* -1: in chunks, or to the end */
    int chunked, retry_after;
};

/* The status line and the header fields that matter here; 0 when there are none. */
static int read_head(FILE *channel, struct answer *answer)
{
    char line[4096];
    *answer = (struct answer){.length = -1};
    if (!fgets(line, sizeof line, channel) || sscanf(line, "HTTP/1.%*d %d", &answer->status) != 1)
        return 0;
    while (fgets(line, sizeof line, channel) && strcmp(line, "\r\n") != 0) {
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            answer->length = strtol(line + 15, NULL, 10);
        else if (strncasecmp(line, "Transfer-Encoding: chunked", 26) == 0)
            answer->chunked = 1;
        else if (strncasecmp(line, "Retry-After:", 12) == 0)
            answer->retry_after = atoi(line + 12);
    }
    return 1;
}

/* The bytes of the next chunk, at most `limit`; 0 at the end or when the connection broke. */
static size_t read_chunk(FILE *channel, char *bytes, size_t limit)
{
    char line[64];
    if (!fgets(line, sizeof line, channel))
        return 0;
    size_t count = strtoul(line, NULL, 16);
    if (count == 0 || count > limit || fread(bytes, 1, count, channel) != count || !fgets(line, sizeof line, channel))
        return 0;
    return count;
}

/* The body of an answer that is no stream, with a zero behind it, or NULL. An answer without a length ends with its connection. */
static char *read_body(FILE *channel, const struct answer *answer)
{
    size_t limit = answer->length >= 0 ? (size_t)answer->length : 1 << 20;
    char *body = malloc(limit + 1);
    if (!body)
        return NULL;
    size_t count = fread(body, 1, limit, channel);
    body[count] = 0;
    if (answer->length < 0 || count == limit)
        return body;
    free(body);
    return NULL;
}

/* The id of a study in a problem, 36 characters; 0 when there is none. */
static int find_id(const char *body, char id[37])
{
    const char *member = strstr(body, "\"id\":\"");
    return member && sscanf(member + 6, "%36[0-9a-f-]", id) == 1 && strlen(id) == 36;
}

/* Prints a result or a problem, and gives the exit code. */
static int show(const struct answer *answer, const char *body)
{
    fputs(body, stdout);
    return answer->status == 200 && !strstr(body, "\"status\":\"failed\"") && !strstr(body, "\"status\":\"not_attempted\"") ? 0 : 1;
}

/* The result of a study that is accepted: it comes under this id, if need be after the next start, and the study is not to be sent again. */
static int accepted(const char *socket_path, const char *id)
{
    char target[64];
    snprintf(target, sizeof target, "/v1/findings/%s", id);
    for (int left = PATIENCE_SECONDS; left > 0; left--) {
        struct answer answer = {.status = 503};
        FILE *channel = reach(socket_path);
        char *body = channel && get(channel, target) && read_head(channel, &answer) ? read_body(channel, &answer) : NULL;
        if (channel)
            fclose(channel);
        if (body && answer.status != 202 && answer.status != 503) {
            int code = show(&answer, body);
            free(body);
            return code;
        }
        free(body);
        sleep(1);
    }
    fprintf(stderr, "the study is accepted as %s and has no result yet\n", id);
    return 2;
}

static char *read_file(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    struct stat facts;
    if (!file || fstat(fileno(file), &facts) != 0) {
        fprintf(stderr, "the file cannot be opened: %s\n", strerror(errno));
        return NULL;
    }
    *count = (size_t)facts.st_size;
    char *bytes = malloc(*count + 1);
    if (!bytes || fread(bytes, 1, *count, file) != *count) {
        fprintf(stderr, "the file cannot be read\n");
        return NULL;
    }
    fclose(file);
    return bytes;
}

static int submit(const char *socket_path, const char *kind, const char *path)
{
    char head[512], id[37];
    size_t count;
    char *image = read_file(path, &count);
    if (!image)
        return 2;
    int head_count = snprintf(head, sizeof head,
                              "POST /v1/studies?wait=1 HTTP/1.1\r\nHost: tern\r\nContent-Type: %.200s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                              kind, count);
    for (;;) {
        FILE *channel = reach(socket_path);
        struct answer answer;
        if (!channel) {
            fprintf(stderr, "ternd cannot be reached: %s\n", strerror(errno));
            return 2;
        }
        if (put(channel, head, (size_t)head_count))
            put(channel, image, count);
        char *body = read_head(channel, &answer) ? read_body(channel, &answer) : NULL;
        fclose(channel);
        if (!body) {
            /* Whoever sends it again may get two results with the same input.sha256; see docs/socket.md. */
            fprintf(stderr, "the connection ended without an answer; the result may be on the stream\n");
            return 2;
        }
        if ((answer.status == 503 || answer.status == 504) && find_id(body, id))
            return accepted(socket_path, id);
        if (answer.status != 503 || answer.retry_after <= 0)
            return show(&answer, body);
        free(body);
        sleep((unsigned)answer.retry_after);
    }
}

/* Remembers the last sequence: written beside, then renamed, so that a power cut leaves the old or the new. */
static int remember(const char *path, long sequence)
{
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    if (!file)
        return 0;
    fprintf(file, "%ld\n", sequence);
    int good = fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && good && rename(beside, path) == 0;
}

/* Says that every result up to a number is safe here, so that ternd may remove them. The question says it: of the answer the head is read. */
static void confirm(const char *socket_path, long last)
{
    char target[64];
    struct answer answer;
    FILE *channel = reach(socket_path);
    if (!channel)
        return;
    snprintf(target, sizeof target, "/v1/findings?after=%ld", last);
    if (get(channel, target))
        read_head(channel, &answer);
    fclose(channel);
}

/* Results after `*last` have been removed (410): says which, and goes on with the oldest that is there. */
static int pass_over(FILE *channel, const struct answer *answer, long *last)
{
    long oldest = 0;
    char *body = read_body(channel, answer), *member = body ? strstr(body, "\"oldest\":") : NULL;
    int known = member && sscanf(member, "\"oldest\":%ld", &oldest) == 1 && oldest > *last;
    free(body);
    if (known) {
        fprintf(stderr, "results %ld to %ld were removed before they were read here\n", *last + 1, oldest - 1);
        *last = oldest - 1;
    }
    return known;
}

/* Prints results as they come until the connection ends; 0, or 1 when one cannot be kept. */
static int take(FILE *channel, const char *socket_path, const char *position, long *last)
{
    static char page[5 << 20], line[5 << 20];
    size_t used = 0, count;
    long confirmed = *last;
    time_t confirmed_at = time(NULL);
    while ((count = read_chunk(channel, page, sizeof page)) > 0)
        for (size_t index = 0; index < count; index++) {
            if (used < sizeof line - 1)
                line[used++] = page[index];
            if (page[index] != '\n')
                continue;
            line[used] = 0;
            used = 0;
            /* An empty line only says that the connection lives. */
            if (sscanf(line, "{\"schema\":\"tern.result/1\",\"sequence\":%ld", last) == 1) {
                fputs(line, stdout);
                if (fflush(stdout) != 0 || !remember(position, *last))
                    return 1;
            }
            if (*last - confirmed >= CONFIRM_RESULTS || (*last > confirmed && time(NULL) - confirmed_at >= CONFIRM_SECONDS)) {
                confirm(socket_path, *last);
                confirmed = *last;
                confirmed_at = time(NULL);
            }
        }
    return 0;
}

static int follow(const char *socket_path, const char *position)
{
    long last = 0;
    FILE *file = fopen(position, "r");
    if (file && fscanf(file, "%ld", &last) != 1)
        last = 0;
    if (file)
        fclose(file);
    for (;;) {
        char target[64];
        struct answer answer = {.status = 503};
        FILE *channel = reach(socket_path);
        snprintf(target, sizeof target, "/v1/findings?after=%ld&follow=1", last);
        if (channel && get(channel, target) && read_head(channel, &answer)) {
            if (answer.status == 410 && pass_over(channel, &answer, &last)) {
                fclose(channel);
                continue;
            }
            if (answer.status == 200 && answer.chunked && take(channel, socket_path, position, &last) != 0) {
                fprintf(stderr, "the result or its number cannot be written: %s\n", strerror(errno));
                return 2;
            }
            if (answer.status != 200 && answer.status != 503) {
                fprintf(stderr, "ternd answers %d\n", answer.status);
                return 1;
            }
        }
        if (channel)
            fclose(channel);
        sleep(1);
    }
}

int main(int count, char **words)
{
    if (count == 5 && strcmp(words[2], "submit") == 0)
        return submit(words[1], words[3], words[4]);
    if (count == 4 && strcmp(words[2], "follow") == 0)
        return follow(words[1], words[3]);
    fprintf(stderr, "usage: %s SOCKET submit CONTENT-TYPE FILE | SOCKET follow POSITION-FILE\n", words[0]);
    return 2;
}
