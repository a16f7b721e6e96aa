// In a box marked data-enter-sends, Enter sends its form and Shift+Enter makes a line. Listens on the document and is loaded before the circuit starts, so that
// a box takes Enter from the moment it is on the page; decided here, because by the time a key press has been to the server, the line is there.
document.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || !event.target.matches('[data-enter-sends]')) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
