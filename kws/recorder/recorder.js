// Behind the click on a button: its own sound is over by then.
const WAIT_SECONDS = 0.3;
const BETWEEN_MS = 900;
const LOWEST_DB = -60;
const LOUD_DB = -1;
const byId = (id) => document.getElementById(id);

/** What the page does: prompts, records, judges, keeps, saves. */
class Recorder {
  constructor(settings) {
    this.settings = settings;
    this.judge = new Judge(settings);
    this.takes = []; // { speaker, word, number, samples, level, fault }, word null for the room
    this.skipped = new Set();
    this.saved = true;
    this.peak = 0;
    this.number = 0; // of takes so far, so that no two files have one name
    this.stamp = new Date().toISOString().replace(/[-:]/g, "").slice(0, 15);
    byId("takes").value = settings.takes;
  }

  set state(name) {
    document.body.dataset.state = name;
    const { recording } = this;
    const last = this.last();
    byId("record").disabled = !this.stream || recording || this.next() === undefined;
    byId("play").disabled = byId("redo").disabled = recording || !last;
    byId("keep").disabled = recording || !this.rejected;
    byId("skip").disabled = !this.stream || recording || this.next() === undefined;
    byId("save").disabled = !this.takes.length;
    byId("save").textContent = this.takes.length ? `Save ${this.takes.length} recordings` : "Save";
  }

  get recording() {
    return Boolean(this.collected);
  }

  get speaker() {
    const name = byId("speaker").value.normalize("NFC").replace(/[\x00-\x1f<>:"/\\|?*]+/g, " ");
    return name.replace(/^[ ._]+|[ ._]+$/g, "").replace(/_+/g, "_").replaceAll("_nohash_", "_");
  }

  last() {
    return this.takes[this.takes.length - 1];
  }

  of(word) {
    return this.takes.filter((take) => take.word === word && take.speaker === this.speaker);
  }

  /** The word that is asked for, null for the room, undefined when all is there. */
  next() {
    const { words, noiseSeconds } = this.settings;
    const wanted = Number(byId("takes").value) || this.settings.takes;
    for (let round = 0; round < wanted; ++round) {
      for (const word of words) {
        if (this.of(word).length <= round && !this.skipped.has(word)) {
          return word;
        }
      }
    }
    return noiseSeconds > 0 && !this.of(null).length && !this.skipped.has(null) ? null : undefined;
  }

  say(text, bad = false) {
    byId("status").textContent = text;
    byId("status").classList.toggle("bad", bad);
  }

  show() {
    const word = this.next();
    const wanted = Number(byId("takes").value) || this.settings.takes;
    byId("prompt").textContent = word === undefined ? "Done" : word === null ? "The room" : word;
    const number = word ? `take ${this.of(word).length + 1} of ${wanted}` : "";
    byId("place").textContent = word === null ? `${this.settings.noiseSeconds} s without speech` : number || "\u00a0";
    this.list();
    this.state = word === undefined ? "done" : this.stream ? "ready" : "idle";
  }

  list() {
    const { words } = this.settings;
    const rows = [...words, null].map((word) => {
      const row = document.createElement("li");
      const name = document.createElement("b");
      name.textContent = word ?? "The room, without speech";
      const takes = document.createElement("div");
      takes.className = "takes";
      takes.append(...this.takes.filter((take) => take.word === word).map((take, i) => this.chip(take, i + 1)));
      row.append(name, takes);
      return row;
    });
    byId("words").replaceChildren(...rows);
  }

  chip(take, number) {
    const span = document.createElement("span");
    const play = document.createElement("button");
    const remove = document.createElement("button");
    play.type = remove.type = "button";
    play.textContent = `\u25b6 ${number}`;
    play.title = `${take.speaker}, ${take.level.toFixed(0)} dB${take.fault ? `, ${take.fault}` : ""}`;
    play.onclick = () => this.play(take);
    remove.textContent = "\u2715";
    remove.title = `Remove take ${number}`;
    remove.onclick = () => this.remove(take);
    span.append(play, remove);
    return span;
  }

  async microphone() {
    if (!this.speaker) {
      this.say("Give the speaker's name first: it begins the files' names", true);
      byId("speaker").focus();
      return;
    }
    if (!navigator.mediaDevices) {
      this.say("The browser gives a microphone to pages of https and localhost alone: run python -m http.server here", true);
      return;
    }
    const raw = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
      await this.connect(stream, { sampleRate: this.settings.rate }).catch(() => this.connect(stream, {}));
      this.stream = stream;
      stream.getTracks()[0].addEventListener("ended", () => this.lost());
    } catch (error) {
      this.say(`No sound from a microphone (${error.message}): allow it, or connect one`, true);
      document.body.dataset.state = "failed";
      return;
    }
    byId("microphone").disabled = true;
    byId("microphone").textContent = "The microphone is on";
    this.say("Press Record, or space, and say the word when it turns blue");
    this.show();
    this.meter();
  }

  async connect(stream, options) {
    const context = new AudioContext(options);
    try {
      const source = new Blob([byId("worklet").textContent], { type: "text/javascript" });
      await context.audioWorklet.addModule(URL.createObjectURL(source));
      const node = new AudioWorkletNode(context, "microphone");
      node.port.onmessage = ({ data }) => this.hear(data);
      context.createMediaStreamSource(stream).connect(node);
      this.context = context;
    } catch (error) {
      context.close();
      throw error;
    }
  }

  lost() {
    this.stream = this.collected = null;
    byId("microphone").disabled = false;
    byId("microphone").textContent = "Turn on the microphone";
    this.say("The microphone is gone: connect it and turn it on again; what was recorded is still here", true);
    this.show();
  }

  hear(samples) {
    this.peak = samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), this.peak);
    if (!this.recording) {
      return;
    }
    this.collected.push(samples);
    this.count += samples.length;
    const { sampleRate } = this.context;
    const share = (this.count / sampleRate - WAIT_SECONDS) / this.length;
    if (share > 0) {
      document.body.dataset.state = "recording";
      this.say(this.asked === null ? "Be quiet" : `Say: ${this.asked}`);
    }
    byId("bar").firstElementChild.style.width = `${100 * Math.min(Math.max(share, 0), 1)}%`;
    if (share >= 1 && this.count >= Math.round(WAIT_SECONDS * sampleRate) + Math.round(this.length * sampleRate)) {
      this.finish();
    }
  }

  record() {
    const word = this.next();
    if (!this.stream || this.recording || word === undefined) {
      return;
    }
    this.sounding?.pause();
    clearTimeout(this.waiting);
    this.asked = word;
    this.length = word === null ? this.settings.noiseSeconds : this.settings.seconds;
    this.collected = [];
    this.count = 0;
    this.state = "waiting";
    this.say("Ready");
  }

  async finish() {
    const { collected, asked, speaker } = this;
    const { sampleRate } = this.context;
    this.collected = null;
    const values = new Float32Array(this.count);
    collected.reduce((at, part) => (values.set(part, at), at + part.length), 0);
    const start = Math.round(WAIT_SECONDS * sampleRate);
    const heard = values.subarray(start, start + Math.round(this.length * sampleRate));
    const samples = await this.int16(heard, sampleRate);
    const take = asked === null
      ? { samples, level: this.judge.level(samples).level, fault: "", good: true }
      : this.judge.take(samples);
    this.draw(take.samples);
    byId("bar").firstElementChild.style.width = 0;
    this.rejected = take.good ? null : { ...take, speaker, word: asked };
    if (take.good) {
      this.add({ ...take, speaker, word: asked });
    }
    const again = take.good ? "" : ". Once more";
    this.say(take.fault ? `${take.fault}${again}` : `Good: ${take.level.toFixed(0)} dB`, Boolean(take.fault));
    this.show();
    if (byId("handsfree").checked && this.next() !== undefined) {
      this.waiting = setTimeout(() => byId("handsfree").checked && this.record(), BETWEEN_MS + (take.fault ? BETWEEN_MS : 0));
    }
  }

  add(take) {
    this.number += 1;
    this.takes.push({ ...take, number: this.number });
    this.saved = false;
  }

  /** Takes what was to be said again as it is. */
  keep() {
    this.add(this.rejected);
    this.rejected = null;
    this.say("Kept as it is");
    this.show();
  }

  /** int16 at the settings' rate. */
  async int16(values, rate) {
    if (rate !== this.settings.rate) {
      const count = Math.round((values.length * this.settings.rate) / rate);
      const offline = new OfflineAudioContext(1, count, this.settings.rate);
      const source = new AudioBufferSourceNode(offline, { buffer: new AudioBuffer({ length: values.length, sampleRate: rate }) });
      source.buffer.copyToChannel(values, 0);
      source.connect(offline.destination);
      source.start();
      values = (await offline.startRendering()).getChannelData(0);
    }
    return Int16Array.from(values, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768))));
  }

  draw(samples) {
    const canvas = byId("waveform");
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    const to = canvas.getContext("2d");
    to.fillStyle = getComputedStyle(canvas).color;
    const columns = Math.min(canvas.width, samples.length);
    for (let x = 0; x < columns; ++x) {
      const part = samples.subarray(Math.floor((x * samples.length) / columns), Math.floor(((x + 1) * samples.length) / columns));
      const y = (value) => (canvas.height * (1 - value / 32768)) / 2;
      const high = part.reduce((a, b) => Math.max(a, b), -32768);
      const low = part.reduce((a, b) => Math.min(a, b), 32767);
      to.fillRect(x, y(high), 1, Math.max(y(low) - y(high), 1));
    }
  }

  meter() {
    const decibels = this.peak > 0 ? 20 * Math.log10(this.peak) : LOWEST_DB;
    const loud = decibels > LOUD_DB;
    const meter = byId("meter");
    meter.firstElementChild.style.width = `${Math.max(0, 100 * (1 - decibels / LOWEST_DB))}%`;
    meter.classList.toggle("loud", loud);
    meter.setAttribute("aria-valuenow", Math.max(LOWEST_DB, Math.round(decibels)));
    byId("level").textContent = loud ? "too loud: it is clipped" : `peak ${Math.max(decibels, LOWEST_DB).toFixed(0)} dB`;
    this.peak *= 0.85;
    if (this.stream) {
      setTimeout(() => requestAnimationFrame(() => this.meter()), 50);
    }
  }

  play(take) {
    this.sounding?.pause();
    const wav = new Blob([wavOf(take.samples, this.settings.rate)], { type: "audio/wav" });
    this.sounding = new Audio(URL.createObjectURL(wav));
    this.sounding.play();
    this.draw(take.samples);
  }

  remove(take) {
    if (this.recording) {
      return;
    }
    this.takes.splice(this.takes.indexOf(take), 1);
    this.skipped.delete(take.word);
    this.say(`Removed a take of ${take.word ?? "the room"}`);
    this.show();
  }

  skip() {
    this.skipped.add(this.next());
    this.show();
  }

  /** The recordings as files in the layout of a dataset. */
  files() {
    const { noiseFolder, rate } = this.settings;
    return this.takes.map((take) => ({
      name: `${take.word ?? noiseFolder}/${take.speaker}__${this.stamp}_${String(take.number).padStart(3, "0")}.wav`,
      bytes: wavOf(take.samples, rate),
    }));
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(zipOf(this.files()));
    link.download = `recordings-${this.last().speaker}.zip`;
    link.click();
    this.saved = true;
    this.say(`Saved ${link.download}: unpack it into --data_dir`);
  }
}

function main() {
  const recorder = new Recorder(JSON.parse(byId("settings").textContent));
  for (const name of ["microphone", "record", "keep", "skip", "save"]) {
    byId(name).addEventListener("click", () => recorder[name]());
  }
  byId("play").addEventListener("click", () => recorder.play(recorder.last()));
  byId("redo").addEventListener("click", () => recorder.remove(recorder.last()));
  for (const name of ["speaker", "takes"]) {
    byId(name).addEventListener("input", () => (recorder.skipped.clear(), recorder.show()));
  }
  addEventListener("keydown", (event) => {
    if (event.code === "Space" && !["INPUT", "BUTTON"].includes(event.target.tagName)) {
      event.preventDefault();
      recorder.record();
    }
  });
  addEventListener("beforeunload", (event) => {
    if (!recorder.saved) {
      event.preventDefault();
    }
  });
  recorder.say("Give the speaker's name and turn on the microphone");
  recorder.show();
  return recorder;
}

// Programs that drive the page wait for it.
window.recorder = main();
