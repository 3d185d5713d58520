#include <stddef.h>

#include <criterion/criterion.h>

#include "protocols/session_table.h"

enum {
    DEPTH = 8, /* events in a row; STOPPING and a second link are both far below that */
    STARTS_WORK = SESSION_DO_DIAL | SESSION_DO_HANDSHAKE | SESSION_DO_ASK | SESSION_DO_OPEN_FLOWS,
    UNMOVED = SESSION_DO_IGNORE | SESSION_DO_BUG,
};

/* A session as its driver would keep it: what is open, and what was asked. */
struct walk {
    enum session_state state;
    bool redials;
    bool accepted; /* the server role */
    bool open;     /* an endpoint exists */
    bool flows;
    bool closing; /* CLOSE was asked and CLOSED has not come */
    bool stopped;
};

static size_t visited[SESSION_STATES];

static void check_actions(const struct walk *before, enum session_event event,
                          struct session_step step)
{
    unsigned actions = step.actions;
    const char *state = session_table_state_name(before->state);
    const char *name = session_table_event_name(event);
    if ((actions & (UNMOVED)) != 0) {
        cr_assert(actions == SESSION_DO_IGNORE || actions == SESSION_DO_BUG, "%s %s", state, name);
        cr_assert_eq(step.next, before->state, "%s %s moves and does not", state, name);
    }
    if (before->stopped || before->closing) {
        cr_assert_eq(actions & (STARTS_WORK), 0, "%s starts anew in %s", name, state);
    }
    if (before->closing) {
        cr_assert_eq(actions & SESSION_DO_DRAIN, 0, "%s drains what closes in %s", name, state);
    }
    if ((actions & (SESSION_DO_DIAL | SESSION_DO_WAIT | SESSION_DO_END)) != 0) {
        cr_assert(!before->open || event == SESSION_EVENT_CLOSED,
                  "%s in %s forgets an open endpoint", name, state);
    }
    if (before->accepted && !before->redials) {
        cr_assert_eq(actions & SESSION_DO_DIAL, 0, "an accepted link dials: %s in %s", name, state);
    }
}

static void check_flows(const struct walk *before, enum session_event event,
                        struct session_step step)
{
    bool opens = before->state == SESSION_STATE_CHECKING && event == SESSION_EVENT_ACCEPTABLE;
    cr_assert_eq((step.actions & SESSION_DO_OPEN_FLOWS) != 0, opens);
    if (step.next == SESSION_STATE_UP) {
        cr_assert(opens || before->state == SESSION_STATE_UP, "UP without an accepted verdict");
    }
    cr_assert(!before->flows || before->state == SESSION_STATE_UP, "flows outside of UP");
}

static void check_stop(const struct walk *before, enum session_event event,
                       struct session_step step)
{
    bool stopping = step.next == SESSION_STATE_STOPPING || step.next == SESSION_STATE_ENDED;
    if (before->stopped || event == SESSION_EVENT_STOP) {
        cr_assert(stopping, "stopped, and yet %s", session_table_state_name(step.next));
    } else {
        cr_assert(step.next != SESSION_STATE_STOPPING, "STOPPING without STOP");
        cr_assert(step.next != SESSION_STATE_ENDED || !before->redials,
                  "the client role ends by itself");
    }
    if (!before->redials) {
        cr_assert(step.next != SESSION_STATE_WAITING, "an accepted link waits to dial");
    }
    bool ends = step.next == SESSION_STATE_ENDED && before->state != SESSION_STATE_ENDED;
    cr_assert_eq((step.actions & SESSION_DO_END) != 0, ends);
}

static struct walk follow(const struct walk *before, enum session_event event,
                          struct session_step step)
{
    struct walk after = *before;
    after.state = step.next;
    after.accepted |= event == SESSION_EVENT_ACCEPTED;
    after.open |= event == SESSION_EVENT_ACCEPTED || (step.actions & SESSION_DO_DIAL) != 0;
    after.flows |= (step.actions & SESSION_DO_OPEN_FLOWS) != 0;
    after.flows &= step.next == SESSION_STATE_UP;
    after.closing |= (step.actions & SESSION_DO_CLOSE) != 0;
    after.stopped |= event == SESSION_EVENT_STOP;
    if (event == SESSION_EVENT_CLOSED) {
        after.open = false;
        after.closing = false;
    }
    return after;
}

/* From wherever we are, being told to stop and then all being closed must be the end. */
static void check_end(const struct walk *at)
{
    struct session_step step = session_table_step(at->state, SESSION_EVENT_STOP, at->redials);
    cr_assert_eq(step.actions & SESSION_DO_BUG, 0);
    if (step.next != SESSION_STATE_ENDED) {
        cr_assert_eq(step.next, SESSION_STATE_STOPPING);
        step = session_table_step(step.next, SESSION_EVENT_CLOSED, at->redials);
    }
    cr_assert_eq(step.next, SESSION_STATE_ENDED);
}

static void walk_from(const struct walk *at, unsigned depth)
{
    visited[at->state]++;
    check_end(at);
    for (int e = 0; e < SESSION_EVENTS && depth > 0; e++) {
        enum session_event event = (enum session_event)e;
        struct session_step step = session_table_step(at->state, event, at->redials);
        check_actions(at, event, step);
        check_flows(at, event, step);
        check_stop(at, event, step);
        if ((step.actions & (UNMOVED)) == 0) {
            struct walk next = follow(at, event, step);
            walk_from(&next, depth - 1);
        }
    }
}

Test(session_table, keeps_its_promises_on_all_paths_of_the_client_role, .timeout = 60)
{
    struct walk at = {.state = SESSION_STATE_DOWN, .redials = true};
    walk_from(&at, DEPTH);
    for (int state = 0; state < SESSION_STATES; state++) {
        cr_expect_gt(visited[state], 0, "%s is never reached",
                     session_table_state_name((enum session_state)state));
    }
}

Test(session_table, keeps_its_promises_on_all_paths_of_the_server_role, .timeout = 60)
{
    struct walk at = {.state = SESSION_STATE_DOWN, .redials = false};
    walk_from(&at, DEPTH);
    cr_expect_eq(visited[SESSION_STATE_WAITING], 0);
    cr_expect_gt(visited[SESSION_STATE_ENDED], 0);
}

struct cell {
    enum session_state state;
    enum session_event event;
    enum session_state next;
    unsigned actions;
};

static void check_cells(const struct cell *cells, size_t count, bool redials)
{
    for (size_t i = 0; i < count; i++) {
        struct session_step step = session_table_step(cells[i].state, cells[i].event, redials);
        cr_expect(step.next == cells[i].next && step.actions == cells[i].actions,
                  "%s in %s gives %s, actions %x", session_table_event_name(cells[i].event),
                  session_table_state_name(cells[i].state), session_table_state_name(step.next),
                  step.actions);
    }
}

#define CHECK_CELLS(cells, redials) check_cells(cells, sizeof cells / sizeof cells[0], redials)

Test(session_table, leads_the_client_role_up)
{
    static const struct cell cells[] = {
        {SESSION_STATE_DOWN, SESSION_EVENT_START, SESSION_STATE_DIALING, SESSION_DO_DIAL},
        {SESSION_STATE_DIALING, SESSION_EVENT_CONNECTED, SESSION_STATE_HANDSHAKE,
         SESSION_DO_HANDSHAKE},
        {SESSION_STATE_HANDSHAKE, SESSION_EVENT_SECURED, SESSION_STATE_CHECKING, SESSION_DO_ASK},
        {SESSION_STATE_CHECKING, SESSION_EVENT_ACCEPTABLE, SESSION_STATE_UP, SESSION_DO_OPEN_FLOWS},
        {SESSION_STATE_UP, SESSION_EVENT_FINISHED, SESSION_STATE_DRAINING, SESSION_DO_DRAIN},
        {SESSION_STATE_DRAINING, SESSION_EVENT_FINISHED, SESSION_STATE_CLOSING, SESSION_DO_CLOSE},
        {SESSION_STATE_CLOSING, SESSION_EVENT_CLOSED, SESSION_STATE_WAITING, SESSION_DO_WAIT},
        {SESSION_STATE_WAITING, SESSION_EVENT_DEADLINE, SESSION_STATE_DIALING, SESSION_DO_DIAL},
        {SESSION_STATE_WAITING, SESSION_EVENT_START, SESSION_STATE_DIALING, SESSION_DO_DIAL},
    };
    CHECK_CELLS(cells, true);
}

Test(session_table, ends_the_server_role_when_all_is_closed)
{
    static const struct cell cells[] = {
        {SESSION_STATE_DOWN, SESSION_EVENT_ACCEPTED, SESSION_STATE_HANDSHAKE, SESSION_DO_HANDSHAKE},
        {SESSION_STATE_CLOSING, SESSION_EVENT_CLOSED, SESSION_STATE_ENDED, SESSION_DO_END},
        {SESSION_STATE_DRAINING, SESSION_EVENT_CLOSED, SESSION_STATE_ENDED, SESSION_DO_END},
        {SESSION_STATE_UP, SESSION_EVENT_CLOSED, SESSION_STATE_ENDED, SESSION_DO_END},
        {SESSION_STATE_STOPPING, SESSION_EVENT_CLOSED, SESSION_STATE_ENDED, SESSION_DO_END},
    };
    CHECK_CELLS(cells, false);
}

Test(session_table, lets_nothing_pass_after_a_refusal)
{
    static const struct cell cells[] = {
        {SESSION_STATE_CHECKING, SESSION_EVENT_REFUSED, SESSION_STATE_CLOSING, SESSION_DO_CLOSE},
        {SESSION_STATE_UP, SESSION_EVENT_REFUSED, SESSION_STATE_CLOSING, SESSION_DO_CLOSE},
        {SESSION_STATE_DRAINING, SESSION_EVENT_REFUSED, SESSION_STATE_CLOSING, SESSION_DO_CLOSE},
        {SESSION_STATE_STOPPING, SESSION_EVENT_REFUSED, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
        {SESSION_STATE_CLOSING, SESSION_EVENT_ACCEPTABLE, SESSION_STATE_CLOSING, SESSION_DO_IGNORE},
        {SESSION_STATE_STOPPING, SESSION_EVENT_ACCEPTABLE, SESSION_STATE_STOPPING,
         SESSION_DO_IGNORE},
    };
    CHECK_CELLS(cells, true);
}

Test(session_table, closes_at_every_fault_and_every_deadline)
{
    for (int s = SESSION_STATE_DIALING; s < SESSION_STATE_CLOSING; s++) {
        const struct cell cells[] = {
            {(enum session_state)s, SESSION_EVENT_FAULT, SESSION_STATE_CLOSING, SESSION_DO_CLOSE},
            {(enum session_state)s, SESSION_EVENT_DEADLINE, SESSION_STATE_CLOSING,
             SESSION_DO_CLOSE},
        };
        CHECK_CELLS(cells, true);
    }
    static const struct cell others[] = {
        {SESSION_STATE_DOWN, SESSION_EVENT_FAULT, SESSION_STATE_CLOSING, SESSION_DO_CLOSE},
        {SESSION_STATE_CLOSING, SESSION_EVENT_FAULT, SESSION_STATE_CLOSING, SESSION_DO_IGNORE},
        {SESSION_STATE_CLOSING, SESSION_EVENT_DEADLINE, SESSION_STATE_CLOSING, SESSION_DO_CLOSE},
        {SESSION_STATE_STOPPING, SESSION_EVENT_FAULT, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
        {SESSION_STATE_STOPPING, SESSION_EVENT_DEADLINE, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
        {SESSION_STATE_STOPPING, SESSION_EVENT_FINISHED, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
    };
    CHECK_CELLS(others, true);
}

Test(session_table, stops_from_everywhere)
{
    static const struct cell cells[] = {
        {SESSION_STATE_DOWN, SESSION_EVENT_STOP, SESSION_STATE_ENDED, SESSION_DO_END},
        {SESSION_STATE_DIALING, SESSION_EVENT_STOP, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
        {SESSION_STATE_HANDSHAKE, SESSION_EVENT_STOP, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
        {SESSION_STATE_CHECKING, SESSION_EVENT_STOP, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
        {SESSION_STATE_UP, SESSION_EVENT_STOP, SESSION_STATE_STOPPING, SESSION_DO_DRAIN},
        {SESSION_STATE_DRAINING, SESSION_EVENT_STOP, SESSION_STATE_STOPPING, SESSION_DO_DRAIN},
        {SESSION_STATE_CLOSING, SESSION_EVENT_STOP, SESSION_STATE_STOPPING, SESSION_DO_CLOSE},
        {SESSION_STATE_WAITING, SESSION_EVENT_STOP, SESSION_STATE_ENDED, SESSION_DO_END},
        {SESSION_STATE_STOPPING, SESSION_EVENT_STOP, SESSION_STATE_STOPPING, SESSION_DO_IGNORE},
        {SESSION_STATE_ENDED, SESSION_EVENT_STOP, SESSION_STATE_ENDED, SESSION_DO_IGNORE},
    };
    CHECK_CELLS(cells, true);
    CHECK_CELLS(cells, false);
}

Test(session_table, tells_our_mistakes_from_late_news)
{
    static const struct cell cells[] = {
        {SESSION_STATE_DOWN, SESSION_EVENT_ACCEPTABLE, SESSION_STATE_DOWN, SESSION_DO_BUG},
        {SESSION_STATE_DIALING, SESSION_EVENT_ACCEPTABLE, SESSION_STATE_DIALING, SESSION_DO_BUG},
        {SESSION_STATE_DIALING, SESSION_EVENT_SECURED, SESSION_STATE_DIALING, SESSION_DO_BUG},
        {SESSION_STATE_HANDSHAKE, SESSION_EVENT_ACCEPTABLE, SESSION_STATE_HANDSHAKE,
         SESSION_DO_BUG},
        {SESSION_STATE_CHECKING, SESSION_EVENT_FINISHED, SESSION_STATE_CHECKING, SESSION_DO_BUG},
        {SESSION_STATE_UP, SESSION_EVENT_ACCEPTED, SESSION_STATE_UP, SESSION_DO_BUG},
        {SESSION_STATE_ENDED, SESSION_EVENT_CLOSED, SESSION_STATE_ENDED, SESSION_DO_BUG},
        {SESSION_STATE_UP, SESSION_EVENT_START, SESSION_STATE_UP, SESSION_DO_IGNORE},
        {SESSION_STATE_UP, SESSION_EVENT_ACCEPTABLE, SESSION_STATE_UP, SESSION_DO_NONE},
        {SESSION_STATE_CLOSING, SESSION_EVENT_CONNECTED, SESSION_STATE_CLOSING, SESSION_DO_IGNORE},
        {SESSION_STATE_STOPPING, SESSION_EVENT_START, SESSION_STATE_STOPPING, SESSION_DO_IGNORE},
    };
    CHECK_CELLS(cells, true);
}

Test(session_table, has_words_for_the_log)
{
    cr_expect_str_eq(session_table_state_name(SESSION_STATE_DOWN), "down");
    cr_expect_str_eq(session_table_state_name(SESSION_STATE_ENDED), "ended");
    cr_expect_str_eq(session_table_event_name(SESSION_EVENT_START), "start");
    cr_expect_str_eq(session_table_event_name(SESSION_EVENT_STOP), "stop");
    cr_expect_str_eq(session_table_state_name(SESSION_STATES), "unknown");
    cr_expect_str_eq(session_table_event_name(SESSION_EVENTS), "unknown");
    for (int s = 0; s < SESSION_STATES; s++) {
        cr_expect_not_null(session_table_state_name((enum session_state)s));
    }
    for (int e = 0; e < SESSION_EVENTS; e++) {
        cr_expect_not_null(session_table_event_name((enum session_event)e));
    }
}
