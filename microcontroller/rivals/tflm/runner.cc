// A .tflite in TensorFlow Lite Micro, behind the function that the firmware calls. The first call sets everything up:
// the firmware's warm-up, which is not measured.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tflm_model.h"

// What a C++ program has of its library and never uses here: nothing is deleted, and nothing ends.
extern "C" {
void *__dso_handle = nullptr;
int __aeabi_atexit(void *, void (*)(void *), void *) {
    return 0;
}
void __cxa_pure_virtual() {
    __builtin_trap();
}
// Of the C library's, for printing messages, which nobody reads here: there is no heap.
void *_sbrk(ptrdiff_t) {
    return reinterpret_cast<void *>(-1);
}
}
void operator delete(void *) noexcept {
    __builtin_trap();
}
void operator delete(void *, size_t) noexcept {
    __builtin_trap();
}

// Between these the linker puts the constructors of static objects, which the firmware, being C, does not call.
extern "C" void (*const link_constructors_start[])();
extern "C" void (*const link_constructors_end[])();

namespace {

using Observer = void (*)(void *context, int layer, const int8_t *output, size_t bytes);

// Tells the observer of the end of every operator that is a layer: a RESHAPE belongs to the layer behind it.
class Layers final : public tflite::MicroProfilerInterface {
  public:
    void Start(Observer observer, void *context) {
        observer_ = observer;
        context_ = context;
        layer_ = 0;
    }
    uint32_t BeginEvent(const char *tag) override {
        is_layer_ = strcmp(tag, "RESHAPE") != 0;
        return 0;
    }
    void EndEvent(uint32_t) override {
        if (observer_ != nullptr && is_layer_) {
            if (layer_ == TFLM_MODEL_LAYER_COUNT) {
                __builtin_trap();
            }
            observer_(context_, layer_++, nullptr, 0);
        }
    }

  private:
    Observer observer_ = nullptr;
    void *context_ = nullptr;
    int layer_ = 0;
    bool is_layer_ = false;
};

using Resolver = tflite::MicroMutableOpResolver<4>;

size_t arena_used = 0;

void SetUp(Resolver *resolver) {
    for (auto constructor = link_constructors_start; constructor != link_constructors_end; constructor++) {
        (*constructor)();
    }
    if (resolver->AddConv2D() != kTfLiteOk || resolver->AddDepthwiseConv2D() != kTfLiteOk ||
        resolver->AddFullyConnected() != kTfLiteOk || resolver->AddReshape() != kTfLiteOk) {
        __builtin_trap();
    }
}

} // namespace

extern "C" size_t tflm_model_arena_used(void) {
    return arena_used;
}

extern "C" void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, Observer observer, void *context) {
    static Resolver resolver;
    static Layers layers;
    if (arena_used == 0) {
        SetUp(&resolver);
    }
    static tflite::MicroInterpreter interpreter(
        tflite::GetModel(tflm_model), resolver, static_cast<uint8_t *>(arena), TFLM_MODEL_ARENA_BYTES, nullptr, &layers
    );
    if (arena_used == 0) {
        if (interpreter.AllocateTensors() != kTfLiteOk) {
            __builtin_trap();
        }
        arena_used = interpreter.arena_used_bytes();
    }
    layers.Start(observer, context);
    memcpy(interpreter.input(0)->data.int8, input, interpreter.input(0)->bytes);
    if (interpreter.Invoke() != kTfLiteOk) {
        __builtin_trap();
    }
    memcpy(output, interpreter.output(0)->data.int8, interpreter.output(0)->bytes);
}
