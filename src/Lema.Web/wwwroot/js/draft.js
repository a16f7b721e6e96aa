// What a form holds, kept in this tab, so that it outlives a lost connection, a reload and the dashboard itself. Two things are kept under a key: what the page has
// taken, and, field by field (data-kept names them), what was typed since and has not reached the page: half a word, no number, or typed while nobody listened.
const typedKey = key => key + ':typed';
const typed = key => JSON.parse(sessionStorage.getItem(typedKey(key)) ?? '{}');
const fieldOf = name => document.querySelector(`[data-kept="${CSS.escape(name)}"]`);

export function keep(key, text, watched) {
  sessionStorage.setItem(key, text);
  if (!watched) return;
  const waiting = Object.entries(typed(key)).filter(([name]) => isWaiting(fieldOf(name)));
  sessionStorage.setItem(typedKey(key), JSON.stringify(Object.fromEntries(waiting)));
}

export const recall = key => sessionStorage.getItem(key);

export const recallTyped = (key, name) => typed(key)[name] ?? null;

export function forget(key) {
  sessionStorage.removeItem(key);
  sessionStorage.removeItem(typedKey(key));
}

// Types again what the form's fields had, and from now on keeps what is typed.
export function watch(form, key) {
  for (const [name, text] of Object.entries(typed(key))) {
    const field = fieldOf(name);
    if (!field || field.value === text) continue;
    field.value = text;
    for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  form.addEventListener('input', ({ target }) => {
    const name = target.dataset.kept;
    if (name) sessionStorage.setItem(typedKey(key), JSON.stringify({ ...typed(key), [name]: target.value }));
  });
}

const isWaiting = field => field && (field === document.activeElement || field.getAttribute('aria-invalid') === 'true');
