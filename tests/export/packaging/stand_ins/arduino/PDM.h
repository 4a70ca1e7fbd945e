/* What the sketch calls of Arduino's library PDM. */
#ifndef PDM_H
#define PDM_H

#include <stddef.h>

struct PDMClass {
    int begin(int channels, int sample_rate);
    int available();
    int read(void *buffer, size_t size);
    void onReceive(void (*function)(void));
    void setGain(int gain);
    void setBufferSize(int bytes);
};
extern PDMClass PDM;

#endif
