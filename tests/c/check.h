/* The C tests' own check: says where, and ends the test program. */
#ifndef WSV_TEST_CHECK_H
#define WSV_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)

/* As CHECK for two unsigned numbers, whose values it shows. */
#define CHECK_SAME(a, b)                                                      \
    do {                                                                      \
        unsigned long long a_ = (a), b_ = (b);                                \
        if (a_ != b_) {                                                       \
            fprintf(stderr, "%s:%d: %s is %llu, not %llu\n", __FILE__,        \
                    __LINE__, #a, a_, b_);                                    \
            abort();                                                          \
        }                                                                     \
    } while (0)

#endif
