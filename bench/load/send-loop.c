// What a delivery can't cost less than: send() of 124 bytes to each of N sockets, RATE times a second, for SECONDS.
// TCP_NODELAY as Node's http sets it: without it the kernel keeps a frame back until the last one is acknowledged, and
// sends it on the receiver's account (measured: 4 to 8 us in place of 11).
// send-loop N RATE SECONDS: prints its port, waits for N requests, answers each with a head, then sends, and prints the
// microseconds of CPU time that a send took. Accepting and answering are not counted.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_BYTES = 124 };

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void wait_until(struct timespec start, double seconds) {
  struct timespec due = start;
  due.tv_sec += (time_t)seconds;
  due.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
  if (due.tv_nsec >= 1000000000L) {
    due.tv_sec += 1;
    due.tv_nsec -= 1000000000L;
  }
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int count = atoi(argv[1]);
  double rate = atof(argv[2]);
  double seconds = atof(argv[3]);
  if (count < 1 || rate <= 0) return 2;

  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int server = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(server, (struct sockaddr *)&address, size) != 0) return fail("bind");
  if (listen(server, 4096) != 0) return fail("listen");
  getsockname(server, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  int *sockets = calloc((size_t)count, sizeof *sockets);
  char request[4096];
  for (int i = 0; i < count; i += 1) {
    sockets[i] = accept(server, NULL, NULL);
    if (sockets[i] < 0) return fail("accept");
    int no_delay = 1;
    if (setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay) != 0) return fail("setsockopt");
    if (recv(sockets[i], request, sizeof request, 0) <= 0) return fail("recv");
    if (send(sockets[i], HEAD, sizeof HEAD - 1, MSG_NOSIGNAL) < 0) return fail("send");
  }
  sleep(1);

  char frame[FRAME_BYTES];
  memset(frame, '.', sizeof frame);
  long rounds = (long)(rate * seconds);
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  double before = cpu_seconds();
  for (long round = 0; round < rounds; round += 1) {
    wait_until(start, (double)round / rate);
    for (int i = 0; i < count; i += 1) {
      if (send(sockets[i], frame, sizeof frame, MSG_NOSIGNAL) != FRAME_BYTES) return fail("send");
    }
  }
  printf("%f\n", (cpu_seconds() - before) * 1e6 / ((double)rounds * count));
  fflush(stdout);
  sleep(1);
  free(sockets);
  return 0;
}
