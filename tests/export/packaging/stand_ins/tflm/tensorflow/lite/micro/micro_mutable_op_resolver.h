// What a package's C++ calls of TensorFlow Lite Micro's resolver.
#pragma once

enum TfLiteStatus { kTfLiteOk, kTfLiteError };

namespace tflite {
class MicroOpResolver {};
template <unsigned int count> class MicroMutableOpResolver : public MicroOpResolver {
  public:
    TfLiteStatus AddConv2D();
    TfLiteStatus AddDepthwiseConv2D();
    TfLiteStatus AddFullyConnected();
    TfLiteStatus AddReshape();
};
} // namespace tflite
