// After Okabe and Ito: colours that differ for everyone, on white and on black; beyond eight keywords, the same with dashes.
const COLOURS = ["#0072b2", "#d55e00", "#00805f", "#b3548c", "#b07400", "#1a98bd", "#7a55c7", "#7d6128"];
const ON_BLACK = ["#4ea8de", "#ff8a4c", "#2fc59b", "#e5a3c8", "#ffb733", "#9ad7f7", "#b79cf0", "#c9a86a"];
const DASHES = [[], [6, 4], [2, 3]];
// Seconds between two marks of the time axis, the first that leaves so many pixels between them.
const TICKS = [0.5, 1, 2, 5, 10, 30, 60, 300, 600];
const TICK_PIXELS = 60;
const AXIS_PIXELS = 18;

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const colourOf = (keyword) => (isDark() ? ON_BLACK : COLOURS)[keyword % COLOURS.length];
const dashOf = (keyword) => DASHES[Math.floor(keyword / COLOURS.length) % DASHES.length];

/** Draws what the page shows: each chart as wide as the page, of a fixed height. */
class Charts {
  constructor(listener, keywords) {
    this.listener = listener;
    this.keywords = keywords; // class -> its number among the keywords, or -1
    this.canvases = ["waveform", "features", "posteriors"].map((id) => document.getElementById(id));
  }

  /** @param view { steps, first: number of the first step shown, span: steps that fill the width, thresholds }. */
  draw(view) {
    const [waveform, features, posteriors] = this.canvases.map((canvas) => this.cleared(canvas));
    const colour = (name) => getComputedStyle(document.getElementById(name)).color;
    this.ink = colour("status");
    this.signal = colour("waveform");
    for (const to of [waveform, features, posteriors]) {
      this.grid(to, view, to === posteriors);
    }
    this.waveform(waveform, view);
    this.features(features, view);
    this.posteriors(posteriors, view);
  }

  cleared(canvas) {
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    return canvas.getContext("2d");
  }

  /** Pixels of a step. */
  scale(to, { span }) {
    return to.canvas.width / Math.max(span, 1);
  }

  grid(to, view, labelled) {
    const stepSeconds = this.listener.seconds(1);
    const perSecond = this.scale(to, view) / stepSeconds;
    const tick = TICKS.find((seconds) => seconds * perSecond >= TICK_PIXELS * devicePixelRatio) ?? TICKS[TICKS.length - 1];
    const start = view.first * stepSeconds;
    const { width, height } = to.canvas;
    to.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    to.fillStyle = this.ink;
    for (let time = Math.ceil(start / tick) * tick; (time - start) * perSecond < width; time += tick) {
      const x = (time - start) * perSecond;
      to.globalAlpha = 0.2;
      to.fillRect(x, 0, devicePixelRatio, height);
      to.globalAlpha = 1;
      const text = `${Math.round(10 * time) / 10} s`;
      if (labelled && x + to.measureText(text).width + 4 * devicePixelRatio < width) {
        to.fillText(text, x + 3 * devicePixelRatio, height - 4 * devicePixelRatio);
      }
    }
  }

  waveform(to, view) {
    const { width, height } = to.canvas;
    const step = this.scale(to, view);
    const y = (value) => (height * (1 - value / 32768)) / 2;
    to.fillStyle = this.signal;
    view.steps.forEach(({ low, high }, i) => to.fillRect(i * step, y(high), Math.max(step, 1), y(low) - y(high) + 1));
    to.font = `600 ${13 * devicePixelRatio}px system-ui, sans-serif`;
    const free = [0, 0]; // two lines of labels: where each one's last label ends
    view.steps.forEach(({ decided }, i) => {
      if (decided >= 0) {
        const text = this.listener.labels[decided];
        const size = to.measureText(text).width + 8 * devicePixelRatio;
        to.fillStyle = colourOf(this.keywords[decided]);
        to.fillRect(i * step, 0, 2 * devicePixelRatio, height);
        const x = Math.min(i * step + 5 * devicePixelRatio, width - size);
        const line = free.findIndex((end) => x >= end);
        if (line >= 0) {
          to.fillText(text, x, (14 + 16 * line) * devicePixelRatio);
          free[line] = x + size;
        }
      }
    });
  }

  features(to, view) {
    const { frames, coefficients } = this.listener;
    const columns = view.steps.length * frames;
    if (!columns) {
      return;
    }
    const image = new ImageData(columns, coefficients);
    view.steps.forEach(({ features }, step) =>
      features.forEach((code, i) => {
        const column = step * frames + Math.floor(i / coefficients);
        const row = coefficients - 1 - (i % coefficients);
        const level = code + 128;
        image.data.set([level, 64 + level / 2, 255 - level, 255], 4 * (row * columns + column));
      }),
    );
    const small = new OffscreenCanvas(columns, coefficients);
    small.getContext("2d").putImageData(image, 0, 0);
    to.imageSmoothingEnabled = false;
    to.drawImage(small, 0, 0, view.steps.length * this.scale(to, view), to.canvas.height);
  }

  posteriors(to, view) {
    const { width } = to.canvas;
    const height = to.canvas.height - AXIS_PIXELS * devicePixelRatio;
    const step = this.scale(to, view);
    const y = (posterior) => height * (1 - posterior) + devicePixelRatio;
    this.keywords.forEach((keyword, k) => {
      if (keyword < 0) {
        return;
      }
      to.strokeStyle = to.fillStyle = colourOf(keyword);
      to.globalAlpha = 0.5;
      to.fillRect(0, y(this.listener.posterior(view.thresholds[k])), width, devicePixelRatio);
      to.globalAlpha = 1;
      to.lineWidth = 1.7 * devicePixelRatio;
      to.setLineDash(dashOf(keyword).map((length) => length * devicePixelRatio));
      to.beginPath();
      view.steps.forEach(({ sums }, i) => to.lineTo(i * step, y(this.listener.posterior(sums[k]))));
      to.stroke();
    });
    to.setLineDash([]);
  }
}
