/* The number on the END line. */

#ifndef STATUS_H
#define STATUS_H

enum status {
    STATUS_OK = 0,
    STATUS_FAULT = 1,
    STATUS_NO_MAILBOX = 2,
    STATUS_IMAGE_DAMAGED = 3,
    STATUS_STACK_EXHAUSTED = 4,
    STATUS_TABLES_DAMAGED = 5,
};

#endif
