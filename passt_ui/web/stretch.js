// A stretch of the clip, dragged over the spectrogram: a band, its times, to be heard and to be searched with.
window.passt = window.passt || {};

passt.stretch = (element, plot, props, picture, ask) => {
  const band = element.querySelector(".passt-band");
  const row = element.querySelector(".passt-stretch");
  const times = row.querySelector(".times");
  const hear = row.querySelector("[data-part=stretch]");
  const search = row.querySelector(".search");
  const clear = row.querySelector(".clear");
  const DRAG_PX = 6;
  const CLICK_MS = 300; // a click that Plotly tells of so soon after a drag is the drag's own end

  let chosen = null; // [start, end] in seconds of the clip
  let clip = null; // of which clip
  let from = null; // where the mouse went down: { x, time }
  let drawn = 0; // when a drag ended

  const axis = () => plot._fullLayout?.xaxis;
  const clipOf = (key) => key?.replace(/:\d+$/, "") ?? null;
  const second = (value) => Math.round(100 * value) / 100;

  function timeAt(x) {
    const [start, end] = axis().range;
    const time = axis().p2l(x - plot.getBoundingClientRect().left - axis()._offset);
    return second(Math.min(end, Math.max(start, time)));
  }

  function set(next) {
    chosen = next;
    const there = Boolean(chosen);
    for (const button of [search, clear, hear]) button.disabled = !there;
    times.textContent = there
      ? `Stretch: ${chosen[0].toFixed(2)} to ${chosen[1].toFixed(2)} s`
      : picture().figure ? "Drag over the spectrogram to choose a stretch." : "";
    const { audio, key, start_s: start } = picture();
    // Of a long clip the page holds the sound of one window: what lies outside of it is not played.
    const part = there && audio ? chosen.map((time) => Math.max(0, time - start)) : null;
    hear.dataset.key = `${key}:stretch`;
    hear.dataset.sound = part && part[1] > part[0] ? `${audio}#t=${part[0].toFixed(3)},${part[1].toFixed(3)}` : "";
    if (there && !hear.dataset.sound) hear.disabled = true;
    if (passt.player.key === hear.dataset.key) passt.player.stop();
    follow();
  }

  function follow() {
    const there = chosen && axis()?._length && picture().figure;
    const [left, right] = there ? chosen.map((time) => Math.min(axis()._length, Math.max(0, axis().l2p(time)))) : [0, 0];
    band.hidden = !(right > left);
    if (band.hidden) return;
    band.style.transform = `translateX(${axis()._offset + left}px)`;
    band.style.width = `${right - left}px`;
    band.style.top = `${plot._fullLayout.yaxis._offset}px`;
    band.style.height = `${plot._fullLayout.yaxis._length}px`;
  }

  // Another clip has no stretch yet; another window of the same one keeps it.
  function renew() {
    const same = clipOf(picture().key) === clip;
    clip = clipOf(picture().key);
    set(same ? chosen : null);
  }

  // The server tells which stretch is asked with.
  function told() {
    const sent = props.stretch ? props.stretch.split(",").map(Number) : null;
    set(sent);
  }

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !picture().figure || !axis()?._length) return;
    from = { x: event.clientX, time: timeAt(event.clientX), dragged: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!from || (!from.dragged && Math.abs(event.clientX - from.x) < DRAG_PX)) return;
    from.dragged = true;
    set([from.time, timeAt(event.clientX)].sort((a, b) => a - b));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, () => {
      if (from?.dragged) drawn = performance.now();
      from = null;
    });
  }
  search.addEventListener("click", () => ask(...chosen));
  clear.addEventListener("click", () => set(null));

  return { renew, told, follow, justDrawn: () => performance.now() - drawn < CLICK_MS };
};
