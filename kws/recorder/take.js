/** What kws/recorder/take.py does, with the settings that it gave. */
class Judge {
  constructor(settings) {
    this.settings = settings;
  }

  decibels(power) {
    return 10 * Math.log10(Math.max(power, 1e-10));
  }

  /** The mean square of each frame, of full scale, about its mean: an offset is no sound. */
  powers(samples) {
    const { frame } = this.settings;
    return Array.from({ length: Math.floor(samples.length / frame) }, (_, i) => {
      const inside = samples.slice(i * frame, (i + 1) * frame);
      const mean = inside.reduce((sum, sample) => sum + sample, 0) / frame;
      return inside.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / frame / 32768 ** 2;
    });
  }

  /** [first sample, the one behind the last] of the word; [0, 0] where there is no sound. */
  extent(samples) {
    const { frame, rangeDb, overNoiseDb, leastFrames } = this.settings;
    const power = this.powers(samples);
    const noise = Float64Array.from(power).sort()[Math.floor(power.length / 10)];
    const least = Math.max(Math.max(...power) * 10 ** (-rangeDb / 10), noise * 10 ** (overNoiseDb / 10));
    const sounds = [];
    for (let i = 0; i < power.length; ++i) {
      const start = i;
      while (i < power.length && power[i] > least) {
        i += 1;
      }
      if (i - start >= leastFrames) {
        sounds.push([start * frame, i * frame]);
      }
    }
    return sounds.length ? [sounds[0][0], sounds[sounds.length - 1][1]] : [0, 0];
  }

  kept(samples, start, end) {
    const { clip, margin } = this.settings;
    const length = Math.min(samples.length, end - start <= clip ? clip : end - start + 2 * margin);
    const first = Math.min(Math.max(Math.floor((start + end - length) / 2), 0), samples.length - length);
    return samples.slice(first, first + length);
  }

  /** The word's level and its ratio to the noise, dB. */
  level(samples) {
    const power = this.powers(samples);
    const loudest = Math.max(...power);
    const sound = Float64Array.from(power.filter((value) => value > 0)).sort();
    const place = 0.1 * (sound.length - 1);
    const below = Math.floor(Math.max(place, 0));
    const above = Math.min(below + 1, sound.length - 1);
    const noise = sound.length ? sound[below] + (place - below) * (sound[above] - sound[below]) : 0;
    const least = Math.min(Math.max(loudest / 100, 2 * noise), loudest);
    const word = power.filter((value) => value >= least);
    const mean = word.reduce((sum, value) => sum + value, 0) / word.length;
    const ratio = this.decibels(Math.max(mean - noise, noise / 10)) - this.decibels(noise);
    return { level: this.decibels(mean), ratio: Math.min(Math.max(ratio, -10), 60) };
  }

  /** Share of the samples that are equal to the peak, where three in a row are. */
  clipped(samples) {
    let total = 0;
    for (const peak of [samples.reduce((a, b) => Math.max(a, b)), samples.reduce((a, b) => Math.min(a, b))]) {
      let run = 0;
      let longest = 0;
      let count = 0;
      for (const sample of samples) {
        run = sample === peak ? run + 1 : 0;
        count += sample === peak ? 1 : 0;
        longest = Math.max(longest, run);
      }
      total += Math.abs(peak) >= 16384 && longest >= 3 ? count : 0;
    }
    return total / samples.length;
  }

  take(samples) {
    const { faults, frame, bad, ...limits } = this.settings;
    const { level, ratio } = this.level(samples);
    const [start, end] = this.extent(samples);
    const judged = (fault, part) => ({ samples: part, level, fault, good: !bad.includes(fault) });
    if (level < limits.silentBelowDb || end === start) {
      return judged(faults.silent, samples);
    }
    const kept = this.kept(samples, start, end);
    if (start === 0 || end >= Math.floor(samples.length / frame) * frame) {
      return judged(faults.cutOff, kept);
    }
    if (this.clipped(samples) > limits.clippedAbove) {
      return judged(faults.clipped, kept);
    }
    return judged(level < limits.quietBelowDb ? faults.quiet : ratio < limits.noisyBelowDb ? faults.noisy : "", kept);
  }
}
