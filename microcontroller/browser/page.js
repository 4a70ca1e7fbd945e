// Steps that are shown of a sound without end; a recording is shown whole.
const SHOWN_STEPS = 250;
// Steps that are computed before the page is drawn again.
const STEPS_AT_ONCE = 50;
const LOWEST_DB = -60;
const LOUD_DB = -1;

/** What the page shows: the steps so far and the keywords in them. */
class Page {
  constructor(listener, decision) {
    this.listener = listener;
    this.decision = decision;
    this.steps = []; // those that are shown
    this.count = 0; // of all
    this.sound = 0; // number of the sound, so that an earlier one stops when another begins
    this.detections = []; // { keyword, seconds, posterior }
    this.drawing = false;
    const names = listener.labels.filter((label, k) => decision.own[k] !== null);
    this.charts = new Charts(listener, listener.labels.map((label) => names.indexOf(label)));
    this.legend();
    this.begin(false);
    this.state = "ready";
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
    this.silence();
    this.listener.reset();
    this.decision.reset();
    this.steps = [];
    this.count = 0;
    this.endless = endless;
    this.samples = null;
    this.detections = [];
    this.list();
    this.state = "listening";
    this.sound += 1;
    this.draw();
    return this.sound;
  }

  hear(samples) {
    for (const step of this.listener.feed(samples)) {
      this.steps.push(step);
      this.count += 1;
      this.decide(step, this.count);
    }
    if (this.endless && this.steps.length > SHOWN_STEPS) {
      this.steps.splice(0, this.steps.length - SHOWN_STEPS);
    }
    this.level();
    this.list();
    this.draw();
  }

  decide(step, count) {
    step.decided = this.decision.step(step.sums);
    if (step.decided >= 0) {
      const posterior = this.listener.posterior(step.sums[step.decided]);
      this.detections.push({ keyword: this.listener.labels[step.decided], seconds: this.listener.seconds(count), posterior });
    }
  }

  /** Other thresholds: a recording is decided on again, a microphone from now on. */
  sensitivity(value) {
    this.decision.sensitivity = value;
    document.getElementById("thresholds").value = value === 0 ? "default" : value > 0 ? "lower" : "higher";
    if (!this.endless) {
      this.decision.reset();
      this.detections = [];
      this.steps.forEach((step, i) => this.decide(step, i + 1));
      document.getElementById("detections").tBodies[0].replaceChildren();
      this.list();
      this.conclude();
    }
    this.legend();
    this.draw();
  }

  legend() {
    const chips = this.listener.labels.flatMap((label, k) => {
      const keyword = this.charts.keywords[k];
      if (keyword < 0) {
        return [];
      }
      const chip = document.createElement("li");
      const line = document.createElement("i");
      line.style.borderTop = `3px ${dashOf(keyword).length ? "dashed" : "solid"} ${colourOf(keyword)}`;
      const threshold = document.createElement("small");
      threshold.textContent = ` from ${this.listener.posterior(this.decision.thresholds[k]).toFixed(2)}`;
      chip.append(line, label, threshold);
      return [chip];
    });
    document.getElementById("legend").replaceChildren(...chips);
  }

  /** The table of detections, the newest first; built anew where it changed. */
  list() {
    const body = document.getElementById("detections").tBodies[0];
    if (this.detections.length < body.childElementCount || !this.detections.length) {
      body.replaceChildren();
    }
    for (const { keyword, seconds, posterior } of this.detections.slice(body.childElementCount)) {
      const row = body.insertRow(0);
      Object.assign(row.dataset, { keyword, seconds, posterior });
      for (const text of [`${seconds.toFixed(2)} s`, keyword, posterior.toFixed(3)]) {
        row.insertCell().textContent = text;
      }
      row.onclick = () => this.play(Math.max(0, seconds - 1.2));
    }
    document.getElementById("download").disabled = !this.detections.length;
    document.getElementById("play").disabled = !this.samples;
  }

  download() {
    const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
    const rows = this.detections.map(({ seconds, keyword, posterior }) => `${seconds},${quoted(keyword)},${posterior}`);
    const text = ["seconds,keyword,posterior", ...rows, ""].join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = "detections.csv";
    link.click();
  }

  level() {
    const { low, high } = this.steps[this.steps.length - 1] ?? { low: 0, high: 0 };
    const decibels = Math.max(LOWEST_DB, 20 * Math.log10(Math.max(-low, high, 1) / 32768));
    const meter = document.getElementById("meter");
    meter.firstElementChild.style.width = `${100 * (1 - decibels / LOWEST_DB)}%`;
    meter.classList.toggle("loud", decibels > LOUD_DB);
    meter.setAttribute("aria-valuenow", Math.round(decibels));
  }

  /** Plays the recording from a second on, with a cursor over the charts. */
  async play(start = 0) {
    if (!this.samples) {
      return;
    }
    const { rate } = this.listener;
    this.silence();
    const context = new AudioContext();
    const buffer = new AudioBuffer({ length: this.samples.length, sampleRate: rate });
    buffer.copyToChannel(Float32Array.from(this.samples, (value) => value / 32768), 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    const begun = context.currentTime;
    this.silence = () => {
      this.silence = () => {};
      context.close();
      this.cursor(-1);
      document.getElementById("play").textContent = "Play";
    };
    const { silence } = this;
    source.onended = silence;
    source.start(0, start);
    document.getElementById("play").textContent = "Stop playing";
    const move = () => {
      if (this.silence === silence) {
        this.cursor((start + context.currentTime - begun) / (this.samples.length / rate));
        requestAnimationFrame(move);
      }
    };
    move();
  }

  silence() {}

  cursor(share) {
    const line = document.getElementById("cursor");
    line.hidden = share < 0 || share > 1;
    line.style.left = `${100 * share}%`;
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
    this.samples = samples;
    this.name = file.name;
    this.expected = Math.floor(samples.length / listener.stepSamples);
    const part = STEPS_AT_ONCE * listener.stepSamples;
    for (let start = 0; start < samples.length && sound === this.sound; start += part) {
      this.hear(samples.subarray(start, start + part));
      this.say(`${file.name}: ${listener.seconds(this.count).toFixed(1)} s`);
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (sound === this.sound) {
      this.state = "done";
      this.conclude();
    }
  }

  /** Says what a recording had, when it has been heard to its end. */
  conclude() {
    if (document.body.dataset.state === "done" && this.samples) {
      const seconds = (this.samples.length / this.listener.rate).toFixed(2);
      this.say(`${this.name}: ${this.detections.length} detections in ${seconds} s of sound`);
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
      const span = this.endless || !this.samples ? SHOWN_STEPS : this.expected;
      const { thresholds } = this.decision;
      this.charts.draw({ steps: this.steps, first: this.count - this.steps.length, span, thresholds });
    });
  }
}

async function main() {
  const text = atob(document.getElementById("wasm").textContent);
  const listener = await Listener.load(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  const page = new Page(listener, new Decision(JSON.parse(document.getElementById("detector").textContent)));
  const file = document.getElementById("file");
  const button = document.getElementById("microphone");
  const slider = document.getElementById("sensitivity");
  button.addEventListener("click", () => page.microphone());
  slider.addEventListener("input", () => page.sensitivity(slider.valueAsNumber / 100));
  document.getElementById("play").addEventListener("click", (event) =>
    event.target.textContent === "Play" ? page.play() : page.silence(),
  );
  document.getElementById("download").addEventListener("click", () => page.download());
  addEventListener("resize", () => page.draw());
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
