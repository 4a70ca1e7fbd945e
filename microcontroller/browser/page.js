// Steps that are shown of a sound without end; a recording is shown whole.
const SHOWN_STEPS = 250;
// Steps that are computed before the page is drawn again.
const STEPS_AT_ONCE = 50;
const KEYWORD = (label) => !label.startsWith("_");

/** What the page shows: the steps so far and the keywords in them. */
class Page {
  constructor(listener) {
    this.listener = listener;
    this.steps = []; // those that are shown
    this.count = 0; // of all
    this.sound = 0; // number of the sound, so that an earlier one stops when another begins
    this.canvases = ["waveform", "features", "posteriors"].map((id) => document.getElementById(id));
    this.drawing = false;
  }

  say(text, error = false) {
    const status = document.getElementById("status");
    status.textContent = text;
    status.classList.toggle("error", error);
  }

  set state(name) {
    document.body.dataset.state = name;
  }

  /** Forgets what was heard; returns the new sound's number. */
  begin(endless) {
    this.stop?.();
    this.stop = null;
    this.listener.reset();
    this.steps = [];
    this.count = 0;
    this.endless = endless;
    document.getElementById("detections").replaceChildren();
    this.state = "listening";
    this.sound += 1;
    return this.sound;
  }

  hear(samples) {
    for (const step of this.listener.feed(samples)) {
      this.steps.push(step);
      this.count += 1;
      if (step.detected >= 0) {
        this.list(step);
      }
    }
    if (this.endless && this.steps.length > SHOWN_STEPS) {
      this.steps.splice(0, this.steps.length - SHOWN_STEPS);
    }
    this.draw();
  }

  list(step) {
    const { listener } = this;
    const item = document.createElement("li");
    const keyword = document.createElement("b");
    const posterior = listener.posterior(step.sums[step.detected]);
    keyword.textContent = listener.labels[step.detected];
    item.append(keyword, ` ${listener.seconds(this.count).toFixed(2)} s, ${posterior.toFixed(3)}`);
    Object.assign(item.dataset, { keyword: keyword.textContent, seconds: listener.seconds(this.count), posterior });
    document.getElementById("detections").prepend(item);
  }

  /** Hears a recording, a part between two drawings. */
  async open(file) {
    const sound = this.begin(false);
    const { listener } = this;
    let samples;
    try {
      samples = await samplesOf(await file.arrayBuffer(), listener.rate);
    } catch {
      samples = null;
    }
    if (sound !== this.sound) {
      return;
    }
    if (!samples) {
      this.fail(`${file.name} is not a recording that this browser can decode: open a WAV file`);
      return;
    }
    if (samples.length < listener.rate) {
      const seconds = Math.floor((100 * samples.length) / listener.rate) / 100; // not rounded up to 1
      this.fail(`${file.name} has ${seconds} s of sound: the network hears a second at a time, open one at least`);
      return;
    }
    const part = STEPS_AT_ONCE * listener.stepSamples;
    for (let start = 0; start < samples.length && sound === this.sound; start += part) {
      this.hear(samples.subarray(start, start + part));
      this.say(`${file.name}: ${listener.seconds(this.count).toFixed(1)} s`);
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (sound === this.sound) {
      const found = document.getElementById("detections").childElementCount;
      this.say(`${file.name}: ${found} detections in ${(samples.length / listener.rate).toFixed(2)} s of sound`);
      this.state = "done";
    }
  }

  async microphone() {
    if (this.stop) {
      this.stop();
      this.stop = null;
      this.say(`Stopped after ${this.listener.seconds(this.count).toFixed(1)} s`);
      this.state = "done";
      return;
    }
    if (!navigator.mediaDevices) {
      this.fail("The browser gives a microphone to pages of https and localhost alone: run python -m http.server here");
      return;
    }
    const sound = this.begin(true);
    const raw = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    let stream, context;
    const close = () => {
      stream?.getTracks().forEach((track) => track.stop());
      context?.close();
    };
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
      context = new AudioContext({ sampleRate: this.listener.rate });
      const source = new Blob([document.getElementById("worklet").textContent], { type: "text/javascript" });
      await context.audioWorklet.addModule(URL.createObjectURL(source));
      const node = new AudioWorkletNode(context, "microphone");
      node.port.onmessage = ({ data }) => sound === this.sound && this.hear(toInt16(data));
      context.createMediaStreamSource(stream).connect(node);
      if (sound !== this.sound) {
        close(); // another sound began meanwhile
        return;
      }
      const button = document.getElementById("microphone");
      const label = button.textContent;
      button.textContent = "Stop";
      this.stop = () => {
        close();
        this.sound += 1;
        button.textContent = label;
      };
      this.say("Listening");
    } catch (error) {
      close();
      if (sound !== this.sound) {
        return;
      }
      this.fail(`No sound from a microphone (${error.message}): allow it, connect one, or open a recording`);
    }
  }

  fail(text) {
    this.say(text, true);
    this.state = "failed";
  }

  draw() {
    if (this.drawing) {
      return;
    }
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      const [waveform, features, posteriors] = this.canvases.map((canvas) => {
        canvas.width = canvas.clientWidth * devicePixelRatio;
        canvas.height = 120 * devicePixelRatio;
        return canvas.getContext("2d");
      });
      this.drawWaveform(waveform);
      this.drawFeatures(features);
      this.drawPosteriors(posteriors);
    });
  }

  /** Pixels of a step. */
  scale(canvas) {
    return canvas.width / (this.endless ? SHOWN_STEPS : this.steps.length);
  }

  colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name);
  }

  drawWaveform(to) {
    const { width, height } = to.canvas;
    const step = this.scale(to.canvas);
    const y = (value) => (height * (1 - value / 32768)) / 2;
    to.fillStyle = this.colour("--signal");
    this.steps.forEach(({ low, high }, i) => to.fillRect(i * step, y(high), Math.max(step, 1), y(low) - y(high) + 1));
    to.fillStyle = this.colour("--mark");
    to.font = `${14 * devicePixelRatio}px system-ui, sans-serif`;
    this.steps.forEach(({ detected }, i) => {
      if (detected >= 0) {
        const text = this.listener.labels[detected];
        to.fillRect(i * step, 0, 2 * devicePixelRatio, height);
        to.fillText(text, Math.min(i * step + 5, width - to.measureText(text).width), 16 * devicePixelRatio);
      }
    });
  }

  drawFeatures(to) {
    const { frames, coefficients } = this.listener;
    const columns = this.steps.length * frames;
    if (!columns) {
      return;
    }
    const image = new ImageData(columns, coefficients);
    this.steps.forEach(({ features }, step) =>
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
    to.drawImage(small, 0, 0, this.steps.length * this.scale(to.canvas), to.canvas.height);
  }

  drawPosteriors(to) {
    const { listener } = this;
    const { height } = to.canvas;
    const step = this.scale(to.canvas);
    to.lineWidth = 1.5 * devicePixelRatio;
    listener.labels.forEach((label, k) => {
      if (!KEYWORD(label)) {
        return;
      }
      to.strokeStyle = `hsl(${(360 * k) / listener.labels.length} 65% 50%)`;
      to.beginPath();
      this.steps.forEach(({ sums }, i) => to.lineTo(i * step, height * (1 - listener.posterior(sums[k]))));
      to.stroke();
    });
  }
}

async function main() {
  const text = atob(document.getElementById("wasm").textContent);
  const page = new Page(await Listener.load(Uint8Array.from(text, (character) => character.charCodeAt(0))));
  const file = document.getElementById("file");
  const button = document.getElementById("microphone");
  button.addEventListener("click", () => page.microphone());
  file.addEventListener("change", () => file.files.length && page.open(file.files[0]));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
  document.addEventListener("dragleave", () => document.body.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    if (event.dataTransfer.files.length) {
      page.open(event.dataTransfer.files[0]);
    }
  });
  file.disabled = button.disabled = false;
  page.say("Ready");
  page.state = "ready";
  return page;
}

// Programs that drive the page wait for it.
window.page = main().catch((error) => {
  document.getElementById("status").textContent = `This browser can't run the page: ${error.message}`;
  document.body.dataset.state = "failed";
  throw error;
});
