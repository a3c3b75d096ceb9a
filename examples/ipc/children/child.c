/* The other end of parent.js, in C: one JSON text per line, both ways.
 * cc -o child child.c -lpthread */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int channel;

static void *listen_to_parent(void *unused) {
  FILE *in = fdopen(dup(channel), "r");
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  (void)unused;
  while ((length = getline(&line, &room, in)) > 0) {
    /* Enough for a string without escapes; a real program has a JSON parser here. */
    if (length >= 3 && line[0] == '"') {
      line[length - 2] = 0;
      printf("message from parent: %s\n", line + 1);
      fflush(stdout);
    }
  }
  /* The parent has disconnected, or is gone. */
  exit(0);
}

static void send_all(const char *text, size_t length) {
  while (length > 0) {
    ssize_t sent = write(channel, text, length);
    if (sent < 0) exit(0);
    text += sent;
    length -= (size_t)sent;
  }
}

int main(void) {
  const char *interval = getenv("INTERVAL");
  long ms = interval ? atol(interval) : 3000;
  struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  pthread_t thread;
  channel = atoi(getenv("NODE_CHANNEL_FD"));
  /* A write to a parent that has disconnected fails, it need not kill. */
  signal(SIGPIPE, SIG_IGN);
  pthread_create(&thread, NULL, listen_to_parent, NULL);
  for (;;) {
    nanosleep(&pause, NULL);
    send_all("\"hello\"\n", 8);
  }
}
