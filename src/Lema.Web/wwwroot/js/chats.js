// Conversations that this browser keeps: a list of heads, newest first, and the text of each under a key of its own.
const most = 40;
const listKey = 'lema-chats';
const textKey = id => `lema-chat:${id}`;

export function list() {
  try { return JSON.parse(localStorage.getItem(listKey)) ?? []; } catch { return []; }
}

export const open = id => new TextEncoder().encode(localStorage.getItem(textKey(id)) ?? 'null');

export function keep(head, text) {
  const heads = [head, ...list().filter(other => other.id !== head.id)];
  while (heads.length > most) drop(heads);
  for (;;) {
    try {
      localStorage.setItem(textKey(head.id), text);
      localStorage.setItem(listKey, JSON.stringify(heads));
      return;
    } catch {
      // The browser's room is used up: the oldest makes place.
      if (heads.length === 1) return;
      drop(heads);
    }
  }
}

export function forget(id) {
  localStorage.removeItem(textKey(id));
  localStorage.setItem(listKey, JSON.stringify(list().filter(other => other.id !== id)));
}

const drop = heads => localStorage.removeItem(textKey(heads.pop().id));
