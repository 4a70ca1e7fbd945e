/**
 * The detector's decision on sums of posteriors, as export/model/detector.py defines it, at a sensitivity: at 0 the thresholds
 * are the bundle's, and it decides what the C decides; above, down to half of them; below, up to almost 1.
 */
class Decision {
  constructor({ thresholds, refractory, rise, onset, one }) {
    this.own = thresholds; // null for what is no keyword
    this.refractory = refractory;
    this.rise = rise; // null for no bound
    this.onset = onset;
    this.one = one; // the sum of a posterior of 1
    this.sensitivity = 0;
    this.reset();
  }

  reset() {
    this.quiet = 0;
    this.held = this.own.map(() => false);
    this.risen = this.own.map(() => 0);
  }

  set sensitivity(value) {
    const scaled = (own) => (value > 0 ? own * (1 - value / 2) : own + (this.one - own) * 0.95 * -value);
    this.thresholds = this.own.map((own) => (own === null ? Infinity : Math.round(scaled(own))));
  }

  /** The class that is detected with a step's sums, or -1. */
  step(sums) {
    const excess = this.thresholds.map((threshold, k) => sums[k] - threshold);
    this.held = this.held.map((held, k) => held && excess[k] >= 0);
    this.risen = this.risen.map((risen, k) => (excess[k] >= 0 || sums[k] >= this.onset ? risen + 1 : 0));
    if (this.quiet > 0) {
      this.quiet -= 1;
      return -1;
    }
    let best = -1;
    excess.forEach((value, k) => {
      const quick = this.rise === null || this.risen[k] <= this.rise;
      if (value >= 0 && quick && !this.held[k] && (best < 0 || value > excess[best])) {
        best = k;
      }
    });
    if (best >= 0) {
      this.held[best] = true;
      this.quiet = this.refractory - 1;
    }
    return best;
  }
}
