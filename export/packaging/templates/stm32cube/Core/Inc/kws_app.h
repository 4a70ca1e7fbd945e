/* Two examples: each is called once from main.c, behind the peripherals' initialization. */
#ifndef KWS_APP_H
#define KWS_APP_H

/* Plays the embedded clip and prints what is heard; 0 where everything is as on the host. */
int kws_clip(void);

/* Hears an I2S microphone for good: call it last. */
void kws_microphone(void);

#endif
