// Follows the newest text, unless the reader has scrolled up.
export function keepAtEnd(scroller) {
  const last = scroller.scrollHeight - scroller.clientHeight;
  const before = Number(scroller.dataset.end ?? 0);
  if (scroller.scrollTop >= before - 40) scroller.scrollTop = last;
  scroller.dataset.end = last;
}

// Enter sends, Shift+Enter makes a line. Decided here: by the time a key press has been to the server, the line is there.
export function sendOnEnter(box) {
  box.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    box.form.requestSubmit();
  });
}
