/* What the example calls of ESP-IDF's errors. */
#ifndef ESP_ERR_H
#define ESP_ERR_H

typedef int esp_err_t;
void abort_on(esp_err_t error);
#define ESP_ERROR_CHECK(error) abort_on(error)

#endif
