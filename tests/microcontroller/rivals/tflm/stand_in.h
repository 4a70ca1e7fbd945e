/* What the runner uses of TensorFlow Lite Micro's interface, and no more: it runs no .tflite, but one model's layers
 * with CMSIS-NN. The test compiles it with the C that calls those, whose function is named stand_in_invoke. */

#ifndef STAND_IN_H
#define STAND_IN_H

#include <stddef.h>
#include <stdint.h>

enum TfLiteStatus { kTfLiteOk, kTfLiteError };

struct TfLiteTensor {
    union {
        int8_t *int8;
    } data;
    size_t bytes;
};

namespace tflite {

struct Model;
struct MicroResourceVariables;

const Model *GetModel(const void *buffer);

class MicroProfilerInterface {
  public:
    virtual ~MicroProfilerInterface() {
    }
    virtual uint32_t BeginEvent(const char *tag) = 0;
    virtual void EndEvent(uint32_t event) = 0;
};

class MicroOpResolver {
  public:
    virtual ~MicroOpResolver() {
    }
    unsigned operators = 0;
};

template <unsigned capacity> class MicroMutableOpResolver : public MicroOpResolver {
  public:
    TfLiteStatus AddConv2D() {
        return Add();
    }
    TfLiteStatus AddDepthwiseConv2D() {
        return Add();
    }
    TfLiteStatus AddFullyConnected() {
        return Add();
    }
    TfLiteStatus AddReshape() {
        return Add();
    }

  private:
    TfLiteStatus Add() {
        return operators++ < capacity ? kTfLiteOk : kTfLiteError;
    }
};

class MicroInterpreter {
  public:
    MicroInterpreter(
        const Model *model,
        const MicroOpResolver &resolver,
        uint8_t *arena,
        size_t arena_bytes,
        MicroResourceVariables *variables = nullptr,
        MicroProfilerInterface *profiler = nullptr,
        bool preserve_all_tensors = false
    );
    TfLiteStatus AllocateTensors();
    TfLiteStatus Invoke();
    TfLiteTensor *input(size_t index);
    TfLiteTensor *output(size_t index);
    size_t arena_used_bytes() const;

  private:
    bool ready_ = false;
    uint8_t *arena_;
    size_t arena_bytes_;
    MicroProfilerInterface *profiler_;
    TfLiteTensor input_;
    TfLiteTensor output_;
};

} // namespace tflite

#endif
