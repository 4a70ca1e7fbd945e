/* What the sketches call of Arduino's core, declared as its reference says. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

unsigned long millis(void);
void delay(unsigned long ms);

template <class A, class B> auto max(A a, B b) {
    return a < b ? b : a;
}

struct SerialPort {
    void begin(unsigned long baud);
    explicit operator bool();
    size_t print(const char *text);
    size_t print(int number);
    size_t print(long number);
    size_t print(unsigned long number);
    size_t println(const char *text);
    size_t println(int number);
    size_t println(unsigned long number);
};
extern SerialPort Serial;

void setup();
void loop();

#endif
