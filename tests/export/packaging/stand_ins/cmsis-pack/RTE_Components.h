/* What an IDE writes for a device. */
#ifndef RTE_COMPONENTS_H
#define RTE_COMPONENTS_H

#define CMSIS_device_header "device.h"

#endif
