#include "mailbox.h"

#include "firmware_config.h"

_Static_assert(sizeof(struct mailbox) <= FIRMWARE_MAILBOX_BYTES, "the mailbox does not fit its place in RAM");

const volatile struct mailbox *mailbox(void) {
    return (const volatile struct mailbox *)FIRMWARE_MAILBOX_ADDRESS;
}

bool mailbox_is_full(void) {
    return mailbox()->magic == FIRMWARE_MAILBOX_MAGIC;
}

const int8_t *mailbox_clip(uint32_t index) {
    return (const int8_t *)(mailbox()->image + index * mailbox()->clip_bytes);
}

/* Adler-32, RFC 1950. */
bool mailbox_image_is_whole(void) {
    const uint32_t modulus = 65521u;
    const uint32_t bytes = mailbox()->clips * mailbox()->clip_bytes;
    const uint8_t *byte = (const uint8_t *)mailbox()->image;
    uint32_t a = 1;
    uint32_t b = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        a += byte[i];
        a -= a >= modulus ? modulus : 0;
        b += a;
        b -= b >= modulus ? modulus : 0;
    }
    return ((b << 16) | a) == mailbox()->adler32;
}
