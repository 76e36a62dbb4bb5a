#include "core/text.h"

#include <string.h>

#include "os/os.h"

size_t
wsv_text_length(const wsv_wchar *text)
{
    size_t count = 0;

    while (text[count] != 0)
        count++;
    return count;
}

const wsv_wchar **
wsv_text_copy(uint32_t count, const wsv_wchar *const *texts)
{
    size_t units = 0, pointers = count * sizeof(wsv_wchar *);
    const wsv_wchar **copy;
    wsv_wchar *text;
    uint32_t i;

    for (i = 0; i < count; i++)
        units += wsv_text_length(texts[i]) + 1;
    copy = wsv_os_alloc(pointers + units * sizeof(wsv_wchar) + 1);
    if (copy == NULL)
        return NULL;
    text = (wsv_wchar *)(copy + count);
    for (i = 0; i < count; i++) {
        units = wsv_text_length(texts[i]) + 1;
        memcpy(text, texts[i], units * sizeof(wsv_wchar));
        copy[i] = text;
        text += units;
    }
    return copy;
}
