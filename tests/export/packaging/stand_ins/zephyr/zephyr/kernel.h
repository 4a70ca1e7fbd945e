/* What the sample calls of Zephyr's kernel and device model. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device {
    int number;
};
struct k_mem_slab {
    void *blocks;
};

#define K_MEM_SLAB_DEFINE_STATIC(name, size, count, alignment)                                                         \
    static _Alignas(alignment) char name##_memory[(size) * (count)];                                                   \
    static struct k_mem_slab name = {name##_memory}
#define DT_NODELABEL(label) (&device_of_##label)
#define DEVICE_DT_GET(node) node

extern const struct device device_of_dmic_dev;
bool device_is_ready(const struct device *device);
void k_mem_slab_free(struct k_mem_slab *slab, void *block);

#endif
