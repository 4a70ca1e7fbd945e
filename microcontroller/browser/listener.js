"use strict";

const ONE = 32768; // of a posterior, Q15

/** The bundle's front end, network and detector, in the C that the microcontroller runs. */
class Listener {
  static async load(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Listener(instance.exports);
  }

  constructor(c) {
    this.c = c;
    c._initialize?.();
    this.rate = c.listener_sample_rate();
    this.stepSamples = c.listener_step_samples();
    this.frames = c.listener_frames();
    this.coefficients = c.listener_coefficients();
    this.labels = Array.from({ length: c.listener_labels() }, (_, i) => this.text(c.listener_label(i)));
    this.reset();
  }

  text(address) {
    const bytes = new Uint8Array(this.c.memory.buffer);
    return new TextDecoder().decode(bytes.subarray(address, bytes.indexOf(0, address)));
  }

  /** The sound begins anew. */
  reset() {
    this.c.listener_reset();
    this.waiting = new Int16Array(0);
  }

  /** Takes samples Int16Array of any length; gives what is known after each step that they complete. */
  *feed(samples) {
    const all = new Int16Array(this.waiting.length + samples.length);
    all.set(this.waiting);
    all.set(samples, this.waiting.length);
    const end = all.length - (all.length % this.stepSamples);
    this.waiting = all.slice(end);
    for (let start = 0; start < end; start += this.stepSamples) {
      yield this.step(all.subarray(start, start + this.stepSamples));
    }
  }

  step(samples) {
    const { c } = this;
    new Int16Array(c.memory.buffer, c.listener_samples(), this.stepSamples).set(samples);
    const detected = c.listener_step();
    return {
      detected,
      features: new Int8Array(c.memory.buffer, c.listener_features(), this.frames * this.coefficients).slice(),
      sums: new Uint32Array(c.memory.buffer, c.listener_sums(), this.labels.length).slice(),
      low: Math.min(...samples),
      high: Math.max(...samples),
    };
  }

  /** A detector's sum as a posterior from 0 to 1. */
  posterior(sum) {
    return sum / (ONE * this.c.listener_window());
  }

  seconds(steps) {
    return (steps * this.stepSamples) / this.rate;
  }
}
