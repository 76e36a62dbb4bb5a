/* Zero-terminated UTF-16 texts. */
#ifndef WSV_TEXT_H
#define WSV_TEXT_H

#include "core/base.h"

/* In code units, without the zero. */
size_t wsv_text_length(const wsv_wchar *text);
/* A copy of an array of texts in one block: pointers, then the text.  Freed
 * with wsv_os_free; NULL when memory is short. */
const wsv_wchar **wsv_text_copy(uint32_t count, const wsv_wchar *const *texts);

#endif
