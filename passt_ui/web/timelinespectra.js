// The spectrogram's pictures as the server sends them: all that was heard, and a stretch of it in detail.
window.passt = window.passt || {};

passt.timelinespectra = (drawn) => {
  const AHEAD = 0.5; // views to either side that come with a stretch in detail
  const COARSE = 1.5; // pixels that a column of the overview may be wide before the detail is asked for
  const REST_MS = 200; // the view rests so long before it is
  let shown = null; // the value that the page shows
  let overview = null; // { key, version, source, start, end }: the newest that came
  let detail = null; // { key, source, start, end }: the stretch that came last
  let asked = ""; // the overview that is on its way
  let pending = 0;

  // As data: an address would be fetched anew whenever the picture is drawn. Null: it is not to be had any more.
  async function fetched(address) {
    const answer = await fetch(new URL(address, document.baseURI));
    if (answer.status !== 200) return null;
    const blob = await answer.blob();
    const source = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(blob);
    });
    return { source, seconds: Number(answer.headers.get("x-passt-seconds")) };
  }

  // It grows on the server: the one before stays in view until the next has come, and none comes after a newer one.
  async function follow(value) {
    shown = value;
    if (!value || asked === value.overview || (overview?.key === value.key && overview.version >= value.version)) return;
    const { key, version } = value;
    asked = value.overview;
    const came = await fetched(value.overview).catch(() => null);
    if (asked === value.overview) asked = "";
    if (!came || shown?.key !== key || (overview?.key === key && overview.version > version)) return;
    overview = { key, version, source: came.source, start: 0, end: came.seconds };
    drawn();
  }

  // Nearer than the overview's columns, the stretch in view comes frame by frame.
  function wanted([start, end], width) {
    const span = end - start;
    return span * (1 + 2 * AHEAD) <= shown.most_detail && shown.step > (COARSE * span) / width;
  }

  function look([first, last], width) {
    clearTimeout(pending);
    if (!shown || !wanted([first, last], width)) return;
    const { key, heard } = shown;
    const span = last - first;
    const start = Math.max(0, first - AHEAD * span);
    const end = Math.min(heard, last + AHEAD * span);
    const had = detail?.key === key && detail.start <= first && detail.end >= Math.min(heard, last);
    if (had || end <= start) return;
    pending = setTimeout(async () => {
      const came = await fetched(`${shown.detail}/${start.toFixed(3)}/${end.toFixed(3)}`).catch(() => null);
      if (!came || shown?.key !== key) return;
      detail = { key, source: came.source, start, end };
      drawn();
    }, REST_MS);
  }

  // What there is of a stretch in view, the nearest last.
  function of([start, end], width) {
    const found = overview?.key === shown.key ? [overview] : [];
    const sharp = detail?.key === shown.key && wanted([start, end], width) && detail.start < end && detail.end > start;
    return sharp ? [...found, detail] : found;
  }

  return { follow, look, of };
};
