/* What the example calls of CMSIS-Core. */
#ifndef DEVICE_H
#define DEVICE_H

void __WFI(void);

#endif
