/* What wsv_life_wait_news tells of a life, and what of the next. */
#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include "os/fault.h"

static hosted it;

static bool
has_news(wsv_life life, uint32_t *seen)
{
    uint32_t before = *seen;
    uint64_t now;

    wsv_life_wait_news(life, 0, seen, &now);
    return *seen != before;
}

/* Every wake, the stop and the end are news, once each. */
static void
test_news(void)
{
    uint32_t seen = 0;
    wsv_life old;
    wsv_oserr why;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    old = it.life;
    (void)has_news(old, &seen);
    CHECK(!has_news(old, &seen));
    wsv_runtime_wake(it.rt);
    CHECK(has_news(old, &seen));
    wsv_runtime_wake(it.rt);
    CHECK(has_news(old, &seen));
    CHECK(!has_news(old, &seen));
    CHECK(wsv_life_request_stop(old, &why) == WSV_OK);
    CHECK(has_news(old, &seen));
    CHECK(!has_news(old, &seen));
    wsv_runtime_wake(it.rt);
    CHECK(has_news(old, &seen));
    hosted_stop(&it);
    CHECK(has_news(old, &seen));
    CHECK(!has_news(old, &seen));
    hosted_start(&it); /* what happens to the next is no news of this one */
    CHECK(!has_news(old, &seen));
    CHECK(wsv_life_request_stop(it.life, &why) == WSV_OK);
    CHECK(!has_news(old, &seen));
    hosted_stop(&it);
    CHECK(!has_news(old, &seen));
    hosted_free(&it);
}

/* The end is news, though the next life has begun before anybody looked. */
static void
test_news_of_an_end_before_the_next_life(bool stop_is_known)
{
    uint32_t seen = 0;
    wsv_life old;
    wsv_oserr why;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    old = it.life;
    (void)has_news(old, &seen);
    if (stop_is_known) {
        CHECK(wsv_life_request_stop(old, &why) == WSV_OK);
        CHECK(has_news(old, &seen));
    }
    hosted_stop(&it);
    hosted_start(&it);
    CHECK(has_news(old, &seen));
    CHECK(!has_news(old, &seen));
    hosted_stop(&it);
    hosted_free(&it);
}

typedef struct reader {
    wsv_life life;
    uint32_t seen;
} reader;

static void
wait_news_of(void *arg)
{
    reader *self = arg;
    uint32_t before = self->seen;
    uint64_t now;

    wsv_life_wait_news(self->life, WSV_FOREVER, &self->seen, &now);
    CHECK(self->seen != before);
    CHECK_SAME(now, SECOND);
}

static void
wake(void)
{
    wsv_runtime_wake(it.rt);
}

static void
request_stop(void)
{
    wsv_oserr why;

    CHECK(wsv_life_request_stop(it.life, &why) == WSV_OK);
}

static void
stop_and_start(void)
{
    hosted_stop(&it);
    hosted_start(&it);
}

/* Who waits for news is woken by them. */
static void
test_waiting_for_news(void)
{
    void (*const happen[])(void) = {wake, request_stop, wake, stop_and_start,
                                    wake};
    wsv_os_thread *waiting;
    reader old;
    size_t i;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    old.life = it.life;
    old.seen = 0;
    (void)has_news(old.life, &old.seen);
    for (i = 0; i < sizeof(happen) / sizeof(happen[0]); i++) {
        waiting = thread_new(wait_news_of, &old);
        happen[i]();
        wsv_os_thread_join(waiting);
    }
    hosted_stop(&it);
    hosted_free(&it);
}

int
main(void)
{
    int32_t before = wsv_fault_live_count();
    int i;

    watchdog(60);
    for (i = 0; i < 200; i++) {
        test_news();
        test_news_of_an_end_before_the_next_life(false);
        test_news_of_an_end_before_the_next_life(true);
        test_waiting_for_news();
    }
    CHECK(wsv_fault_live_count() == before);
    return 0;
}
