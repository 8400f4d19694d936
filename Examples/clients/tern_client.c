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
#include <unistd.h>

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
    return fdopen(channel, "r+");
}

struct answer {
    int status;
    long length;    /* -1: in chunks, or to the end */
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

static int submit(const char *socket_path, const char *kind, const char *file)
{
    FILE *image = fopen(file, "rb");
    struct stat facts;
    if (!image || fstat(fileno(image), &facts) != 0) {
        fprintf(stderr, "the file cannot be opened: %s\n", strerror(errno));
        return 2;
    }
    char *body = malloc((size_t)facts.st_size + 1);
    if (!body || fread(body, 1, (size_t)facts.st_size, image) != (size_t)facts.st_size) {
        fprintf(stderr, "the file cannot be read\n");
        return 2;
    }
    fclose(image);
    for (;;) {
        FILE *channel = reach(socket_path);
        struct answer answer;
        if (!channel) {
            fprintf(stderr, "ternd cannot be reached: %s\n", strerror(errno));
            return 2;
        }
        fprintf(channel,
                "POST /v1/studies?wait=1 HTTP/1.1\r\nHost: tern\r\nContent-Type: %s\r\nContent-Length: %lld\r\nConnection: close\r\n\r\n", kind,
                (long long)facts.st_size);
        fwrite(body, 1, (size_t)facts.st_size, channel);
        if (fflush(channel) != 0 || !read_head(channel, &answer)) {
            /* Whoever sends it again may get two results with the same input.sha256; see docs/socket.md. */
            fprintf(stderr, "the connection ended without an answer; the result may be on the stream\n");
            return 2;
        }
        if (answer.status == 503 && answer.retry_after > 0) {
            fclose(channel);
            sleep((unsigned)answer.retry_after);
            continue;
        }
        for (long left = answer.length; left > 0; left--) {
            int character = fgetc(channel);
            if (character == EOF)
                return 2;
            putchar(character);
        }
        fclose(channel);
        free(body);
        return answer.status == 200 ? 0 : 1;
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

static int follow(const char *socket_path, const char *position)
{
    static char page[5 << 20], line[5 << 20];
    long last = 0;
    FILE *file = fopen(position, "r");
    if (file && fscanf(file, "%ld", &last) != 1)
        last = 0;
    if (file)
        fclose(file);
    for (;;) {
        FILE *channel = reach(socket_path);
        struct answer answer;
        size_t used = 0, count;
        if (channel)
            fprintf(channel, "GET /v1/findings?after=%ld&follow=1 HTTP/1.1\r\nHost: tern\r\n\r\n", last);
        if (!channel || fflush(channel) != 0 || !read_head(channel, &answer)) {
            if (channel)
                fclose(channel);
            sleep(1);
            continue;
        }
        if (answer.status != 200 || !answer.chunked) {
            fprintf(stderr, "ternd answers %d\n", answer.status);
            if (answer.status != 503)
                return 1;
        }
        while (answer.status == 200 && (count = read_chunk(channel, page, sizeof page)) > 0)
            for (size_t index = 0; index < count; index++) {
                if (used < sizeof line - 1)
                    line[used++] = page[index];
                if (page[index] != '\n')
                    continue;
                line[used] = 0;
                used = 0;
                /* An empty line only says that the connection lives. */
                if (sscanf(line, "{\"schema\":\"tern.result/1\",\"sequence\":%ld", &last) != 1)
                    continue;
                fputs(line, stdout);
                if (fflush(stdout) != 0 || !remember(position, last)) {
                    fprintf(stderr, "the result or its number cannot be written: %s\n", strerror(errno));
                    return 2;
                }
            }
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
