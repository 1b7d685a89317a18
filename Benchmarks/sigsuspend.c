/* Valgrind before 3.20 writes into the mask that sigsuspend is given and dies when that is constant, as libdispatch's is.
   Preloaded, this gives it a copy. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    unsigned long copy[1];
    memcpy(copy, mask, sizeof copy);
    return (int)syscall(SYS_rt_sigsuspend, copy, sizeof copy);
}
