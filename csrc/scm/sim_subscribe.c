/* What services ask the simulated system to tell them about.  The wire only
 * keeps the list; events are sent by hand. */
#include <string.h>

#include "os/fault.h"
#include "scm/sim_impl.h"

#define GUID_BYTES 16u
#define HANDLE_BYTES 8u

static bool
is_valid(wsv_subject subject, uint32_t size)
{
    switch (subject) {
    case WSV_POWER_SETTING:
        return size == GUID_BYTES;
    case WSV_DEVICE_INTERFACE:
        return size == GUID_BYTES || size == 0;
    case WSV_DEVICE_HANDLE:
        return size == HANDLE_BYTES;
    }
    return false;
}

wsv_err
wsv_scm_subscribe(wsv_scm *wire, void *status_handle, wsv_subject subject,
                  const void *what, uint32_t size, void **subscription,
                  wsv_oserr *why)
{
    wsv_sim_service *service = status_handle;
    wsv_sim_subscribed *made, **link;

    *subscription = NULL;
    why->call = "subscribe";
    why->code = ERROR_INVALID_HANDLE;
    if (WSV_FAULT(WSV_FAULT_SUBSCRIBE) || service == NULL)
        return WSV_E_OS;
    if (!is_valid(subject, size)) {
        why->code = ERROR_INVALID_PARAMETER;
        return WSV_E_OS;
    }
    made = wsv_os_alloc(sizeof(*made));
    if (made == NULL) {
        why->code = ERROR_NOT_ENOUGH_MEMORY;
        return WSV_E_OS;
    }
    made->is.subject = subject;
    made->is.size = size;
    if (size != 0)
        memcpy(made->is.what, what, size);
    wsv_os_mutex_lock(wire->lock);
    if (!service->running || !service->registered || wire->dead) {
        wsv_os_mutex_unlock(wire->lock);
        wsv_os_free(made);
        return WSV_E_OS;
    }
    made->is.service = service->index;
    made->is.number = ++wire->subscriptions;
    for (link = &wire->subscribed; *link != NULL; link = &(*link)->next)
        ;
    *link = made;
    /* A number, not an address: one that is used again would hide a mistake.
     */
    *subscription = (void *)(uintptr_t)made->is.number;
    wsv_os_mutex_unlock(wire->lock);
    why->code = 0;
    return WSV_OK;
}

wsv_err
wsv_scm_unsubscribe(wsv_scm *wire, wsv_subject subject, void *subscription,
                    wsv_oserr *why)
{
    uintptr_t number = (uintptr_t)subscription;
    wsv_sim_subscribed *found, **link;

    why->call = "unsubscribe";
    why->code = ERROR_INVALID_HANDLE;
    if (WSV_FAULT(WSV_FAULT_SUBSCRIBE))
        return WSV_E_OS;
    wsv_os_mutex_lock(wire->lock);
    link = &wire->subscribed;
    while (*link != NULL && (*link)->is.number != number)
        link = &(*link)->next;
    found = *link;
    if (found != NULL && found->is.subject == subject)
        *link = found->next;
    else
        found = NULL;
    wsv_os_mutex_unlock(wire->lock);
    if (found == NULL)
        return WSV_E_OS;
    wsv_os_free(found);
    why->code = 0;
    return WSV_OK;
}

bool
wsv_sim_subscription_get(wsv_scm *wire, uint32_t service, uint64_t after,
                         wsv_sim_subscription *out)
{
    wsv_sim_subscribed *each;
    bool found;

    wsv_os_mutex_lock(wire->lock);
    each = wire->subscribed;
    while (each != NULL &&
           (each->is.service != service || each->is.number <= after))
        each = each->next;
    found = each != NULL;
    if (found)
        *out = each->is;
    wsv_os_mutex_unlock(wire->lock);
    return found;
}

void
wsv_sim_free_subscriptions(wsv_scm *wire)
{
    wsv_sim_subscribed *each;

    while ((each = wire->subscribed) != NULL) {
        wire->subscribed = each->next;
        wsv_os_free(each);
    }
}
