// Follows the newest text, unless the reader has scrolled up.
export function keepAtEnd(scroller) {
  const last = scroller.scrollHeight - scroller.clientHeight;
  const before = Number(scroller.dataset.end ?? 0);
  if (scroller.scrollTop >= before - 40) scroller.scrollTop = last;
  scroller.dataset.end = last;
}
