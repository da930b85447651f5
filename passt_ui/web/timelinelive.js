// What the microphone hears: a row for each class with its last minute, its value now, and the level above.
window.passt = window.passt || {};

passt.live = (element, props, watch, trigger, hearEvent) => {
  const root = element.querySelector(".passt-live");
  const button = element.querySelector("button");
  const list = element.querySelector("ol");
  const notice = element.querySelector(".passt-notice");
  const empty = element.querySelector(".passt-empty");
  const scale = element.querySelector(".passt-scale");
  const heat = element.querySelector(".passt-heat");
  const meter = element.querySelector("[role=meter]");
  const level = element.querySelector(".passt-level .value");
  const rate = element.querySelector(".rate");
  const LOWEST_DB = -60;
  const RATE_MS = 5000;
  const LATE_MS = 2500;
  let value = null;
  let came = []; // when the last answers came, in ms
  let left = false; // whether it was stopped since one went to another tab

  const percent = (decibels) => 100 * Math.min(1, Math.max(0, 1 - decibels / LOWEST_DB));

  function row() {
    const item = document.createElement("li");
    item.innerHTML = '<span class="name"></span><canvas></canvas><span class="track"><i></i></span><span class="value"></span>';
    return item;
  }

  // The minute of one class, a pixel column for each pixel of the screen; time runs out of it at the left.
  function paint(canvas, values, times, table) {
    const width = Math.max(1, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
    if (canvas.width !== width) canvas.width = width;
    canvas.height = 1;
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(width, 1);
    const x = (time) => Math.round(width * (1 - (value.at - time) / value.kept));
    for (let at = 0; at < times.length; at += 1) {
      const from = Math.max(0, at ? x(times[at - 1]) : x(times[at]) - 1);
      for (let column = from; column < Math.min(width, x(times[at])); column += 1) {
        image.data.set(table.subarray(3 * values[at], 3 * values[at] + 3), 4 * column);
        image.data[4 * column + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
  }

  function draw() {
    root.classList.toggle("empty", !value);
    empty.hidden = Boolean(value) || microphone.on;
    scale.hidden = heat.hidden = !value;
    if (!value) {
      list.replaceChildren();
      level.textContent = "–";
      rate.textContent = "";
      meter.querySelector("i").style.width = "0";
      meter.querySelector("b").hidden = true;
      return;
    }
    const [values, table] = [passt.unpacked(value.values), passt.unpacked(value.table)];
    const times = passt.unpacked(value.times, Float32Array);
    while (list.children.length < value.labels.length) list.append(row());
    while (list.children.length > value.labels.length) list.lastChild.remove();
    [...list.children].forEach((item, at) => {
      const shown = `${Math.round(100 * value.now[at])} %`;
      item.querySelector(".name").textContent = value.labels[at];
      item.querySelector(".track i").style.width = `${100 * value.now[at]}%`;
      item.querySelector(".value").textContent = shown;
      paint(item.querySelector("canvas"), values.subarray(at * times.length, (at + 1) * times.length), times, table);
    });
    meter.querySelector("i").style.width = `${percent(value.level)}%`;
    meter.querySelector("b").hidden = false;
    meter.querySelector("b").style.left = `${percent(value.peak)}%`;
    meter.setAttribute("aria-valuenow", value.level);
    level.textContent = `${value.level.toFixed(0).replace("-", "−")} dB`;
  }

  function pace() {
    if (!element.isConnected) { microphone.close(); return; }
    if (microphone.on && !root.offsetWidth) { microphone.close(); left = true; } // it is not seen any more
    const now = performance.now();
    came = came.filter((time) => now - time < RATE_MS);
    const over = came.length > 1 ? (came.at(-1) - came[0]) / 1000 : 0;
    const late = microphone.on && value && (!came.length || now - came.at(-1) > LATE_MS);
    root.classList.toggle("late", Boolean(late));
    if (!microphone.on) rate.textContent = left ? "stopped, for this tab was left" : value ? "stopped" : "";
    else if (late) rate.textContent = "the model does not keep up";
    else rate.textContent = over ? `${((came.length - 1) / over).toFixed(1)} answers per second` : "";
    setTimeout(pace, 500);
  }

  function refuse(text) {
    notice.hidden = !text;
    notice.textContent = text;
  }

  function switched(on) {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Stop" : "Listen";
    left = false;
    if (!on) return;
    passt.player.stop(); // or the microphone would hear it
    value = null;
    came = [];
    draw();
  }

  const microphone = passt.microphone({
    send: (block) => trigger(hearEvent, block),
    changed: switched,
    refuse,
  });
  button.addEventListener("click", () => microphone.toggle());
  button.disabled = false; // a press before now would be lost

  watch("value", () => {
    const told = props.value ? JSON.parse(props.value) : null;
    microphone.answered();
    if (told?.error) { microphone.close(); refuse(told.error); return; }
    value = told;
    came.push(performance.now());
    draw();
  });
  draw();
  pace();
};
