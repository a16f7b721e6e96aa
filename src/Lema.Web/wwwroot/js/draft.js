// What a form holds, kept in this tab so that it outlives a lost connection or a reload.
export const keep = (key, text) => sessionStorage.setItem(key, text);
export const recall = key => sessionStorage.getItem(key);
export const forget = key => sessionStorage.removeItem(key);
