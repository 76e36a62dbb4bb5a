/* A service that is controlled, stopped and started again all the time, while
 * threads of its earlier lives go on as if they were not over. */
#ifndef WSV_TEST_RESTARTS_H
#define WSV_TEST_RESTARTS_H

#include "core/runtime.h"

/* Before any service of the family has begun. */
void restarts_new(wsv_family *family);
/* Another service of the family is up from here to restarts_end. */
void restarts_begin(void);
/* Says on stdout what there was. */
void restarts_end(void);
/* After all services of the family have ended. */
void restarts_free(void);

#endif
