/* What every test with threads needs. */
#ifndef WSV_TEST_THREADS_H
#define WSV_TEST_THREADS_H

#include "os/os.h"

/* End the test program if it is not through after `seconds`. */
void watchdog(unsigned seconds);
/* A thread that must start. */
wsv_os_thread *thread_new(void (*run)(void *), void *arg);

#endif
