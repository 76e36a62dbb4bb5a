/* The state table against B.2 and B-33 to B-35, written down once more. */
#include "core/state.h"

#include "check.h"

#define STATES 8u
#define ALL_CONTROLS 0x101u
/* Bits that D.1 knows. */
#define ALL_BITS 0x6FFFu

/* B.2 as a drawing.  Row: from; column: to, 0 (not started) to 7 (PAUSED);
 * `+` valid, `r` a re-report or checkpoint, `<` ours: back from a pause or a
 * continue that took too long (design.md 4). */
static const char *const transitions[STATES] = {
    /*                 0S234567 */
    [0 /* none     */] = ".++.....", [1 /* STOPPED  */] = "........",
    [2 /* START_P  */] = ".+r++...", [3 /* STOP_P   */] = ".+.r....",
    [4 /* RUNNING  */] = ".+.+r.++", [5 /* CONT_P   */] = ".+.++r.<",
    [6 /* PAUSE_P  */] = ".+.+<.r+", [7 /* PAUSED   */] = ".+.+++.r",
};

static void
test_pending(void)
{
    uint32_t state;

    for (state = 0; state < 300; state++)
        CHECK_SAME(wsv_state_is_pending(state),
                   state == 2 || state == 3 || state == 5 || state == 6);
}

/* D.1: the control, its accept bit. */
static const struct {
    uint32_t control, bit;
} bits[] = {
    {0x01, 0x0001}, {0x02, 0x0002}, {0x03, 0x0002}, {0x05, 0x0004},
    {0x06, 0x0008}, {0x07, 0x0010}, {0x08, 0x0010}, {0x09, 0x0010},
    {0x0A, 0x0010}, {0x0C, 0x0020}, {0x0D, 0x0040}, {0x0E, 0x0080},
    {0x0F, 0x0100}, {0x10, 0x0200}, {0x11, 0x0800}, {0x20, 0x0400},
    {0x40, 0x0800}, {0x60, 0x2000}, {0x61, 0x4000},
};

static uint32_t
expected_bit(uint32_t control)
{
    size_t i;

    for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (bits[i].control == control)
            return bits[i].bit;
    return 0;
}

static void
test_accept_bits(void)
{
    uint32_t control, state, mask, expected;

    for (control = 0; control < ALL_CONTROLS; control++)
        CHECK_SAME(wsv_state_accept_bit(control), expected_bit(control));
    for (state = 0; state < 10; state++)
        for (mask = 0; mask <= ALL_BITS; mask++) {
            if (state >= 4 && state <= 7)
                expected = mask;
            else if (state == 2)
                expected = mask & 0x105;
            else
                expected = 0;
            CHECK_SAME(wsv_state_accepted(state, mask), expected);
        }
}

/* B-33 as a drawing: what the handler does with a control that is accepted.
 * `a` answers 0 and nothing else, `b` refuses with 1061, `q` queues,
 * `S` enters STOP_PENDING, `P` PAUSE_PENDING, `C` CONTINUE_PENDING, `t`
 * refuses a trigger with 1115 (E-86), `r` queues what has an accept bit and
 * DEVICEEVENT, and refuses the rest with 1061: while it starts, only what it
 * has registered for is accepted.  Columns: stops, PAUSE, CONTINUE,
 * INTERROGATE, any other, TRIGGEREVENT. */
static const char *const reactions[STATES] = {
    [0] = "S b b a b b", [1] = "a b b a b t", [2] = "S q q a r q",
    [3] = "a b b a b t", [4] = "S P q a q q", [5] = "S q q a q q",
    [6] = "S q q a q q", [7] = "S q C a q q",
};

static char
reaction(uint32_t state, uint32_t control)
{
    size_t column = 4;

    if (control == 0x01 || control == 0x05 || control == 0x0F)
        column = 0;
    else if (control == 0x02)
        column = 1;
    else if (control == 0x03)
        column = 2;
    else if (control == 0x04)
        column = 3;
    else if (control == 0x20)
        column = 5;
    if (reactions[state][column * 2] != 'r')
        return reactions[state][column * 2];
    return expected_bit(control) != 0 || control == 0x0B ? 'q' : 'b';
}

static void
check_decision(uint32_t state, uint32_t accepted, uint32_t control)
{
    wsv_decision made = wsv_state_decide(state, accepted, control);
    uint32_t bit = expected_bit(control);
    bool over = state == 1 || state == 3;

    if (!over && bit != 0 && (accepted & bit) == 0) { /* B-34 */
        CHECK_SAME(made.action, WSV_ANSWER);
        CHECK_SAME(made.answer, 120);
        return;
    }
    switch (reaction(state, control)) {
    case 'a':
        CHECK_SAME(made.action, WSV_ANSWER);
        CHECK_SAME(made.answer, 0);
        break;
    case 'b':
        CHECK_SAME(made.action, WSV_ANSWER);
        CHECK_SAME(made.answer, 1061);
        break;
    case 't':
        CHECK_SAME(made.action, WSV_ANSWER);
        CHECK_SAME(made.answer, 1115);
        break;
    case 'q':
        CHECK_SAME(made.action, WSV_QUEUE);
        CHECK_SAME(made.answer, 0);
        break;
    case 'S':
        CHECK_SAME(made.action, WSV_ENTER);
        CHECK_SAME(made.next, 3);
        CHECK_SAME(made.answer, 0);
        break;
    case 'P':
        CHECK_SAME(made.action, WSV_ENTER);
        CHECK_SAME(made.next, 6);
        CHECK_SAME(made.answer, 0);
        break;
    case 'C':
        CHECK_SAME(made.action, WSV_ENTER);
        CHECK_SAME(made.next, 5);
        CHECK_SAME(made.answer, 0);
        break;
    default:
        abort();
    }
    /* Whatever it enters, the SCM must find legal. */
    if (made.action == WSV_ENTER && state != 0)
        CHECK(transitions[state][made.next] != '.');
}

static void
test_decisions(void)
{
    uint32_t state, accepted, control;

    for (state = 0; state < STATES; state++)
        for (control = 0; control < ALL_CONTROLS; control++)
            for (accepted = 0; accepted <= ALL_BITS; accepted++)
                check_decision(state, accepted, control);
}

static void
test_stops(void)
{
    uint32_t control;

    for (control = 0; control < ALL_CONTROLS; control++)
        CHECK_SAME(wsv_state_is_stop(control),
                   control == 1 || control == 5 || control == 15);
}

/* D-13: which pairs of control and event type ask for leave. */
static void
test_queries(void)
{
    uint32_t control, type;
    wsv_query expected;

    for (control = 0; control < ALL_CONTROLS; control++)
        for (type = 0; type < 0x8020; type++) {
            if (type == 0x100)
                type = 0x7FF0;
            expected = WSV_QUERY_NONE;
            if (control == 0x0B && type == 0x8001)
                expected = WSV_QUERY_DEVICEQUERYREMOVE;
            if (control == 0x0C && type == 0x17)
                expected = WSV_QUERY_QUERYCHANGECONFIG;
            CHECK_SAME(wsv_state_query(control, type), expected);
        }
    CHECK_SAME(wsv_state_query(0x0B, 0x18001), WSV_QUERY_NONE);
    CHECK_SAME(wsv_state_query(UINT32_MAX, UINT32_MAX), WSV_QUERY_NONE);
    CHECK_SAME(WSV_QUERY_DEVICEQUERYREMOVE, 0); /* indices of a table */
    CHECK_SAME(WSV_QUERY_QUERYCHANGECONFIG, 1);
    CHECK_SAME(WSV_QUERIES, 2);
}

int
main(void)
{
    test_pending();
    test_accept_bits();
    test_stops();
    test_queries();
    test_decisions();
    return 0;
}
