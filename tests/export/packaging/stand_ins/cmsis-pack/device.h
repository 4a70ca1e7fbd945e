/* What the example calls of CMSIS-Core. */
#ifndef DEVICE_H
#define DEVICE_H

void __WFI(void);
void __ISB(void);
void __disable_irq(void);
void __enable_irq(void);

#endif
