// Runs beside the page and hands it the microphone's samples as they come.
class Microphone extends AudioWorkletProcessor {
  process([channels]) {
    if (channels.length) {
      this.port.postMessage(channels[0].slice());
    }
    return true;
  }
}
registerProcessor("microphone", Microphone);
