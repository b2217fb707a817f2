// A unified diff of two texts, line by line: what to paste into a review. What it means is for the service to say.

const AROUND = 3;
const MOST = 4_000_000;

function edits(old, now) {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const [a, b] = [old.slice(start, old.length - end), now.slice(start, now.length - end)];
  const found = old.slice(0, start).map((line) => [" ", line]);
  if (a.length * b.length > MOST) {
    found.push(...a.map((line) => ["-", line]), ...b.map((line) => ["+", line]));
  } else {
    const same = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i -= 1) {
      for (let j = b.length - 1; j >= 0; j -= 1) same[i][j] = a[i] === b[j] ? same[i + 1][j + 1] + 1 : Math.max(same[i + 1][j], same[i][j + 1]);
    }
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) { found.push([" ", a[i]]); i += 1; j += 1; }
      else if (j < b.length && (i === a.length || same[i][j + 1] > same[i + 1][j])) { found.push(["+", b[j]]); j += 1; }
      else { found.push(["-", a[i]]); i += 1; }
    }
  }
  return found.concat(old.slice(old.length - end).map((line) => [" ", line]));
}

export function unified(name, before, after) {
  if (before === after) return "";
  const split = (text) => (text === "" ? [] : text.split("\n").map((line, at, all) => (at < all.length - 1 ? `${line}\n` : line)).filter((line) => line !== ""));
  const all = edits(split(before), split(after));
  const near = all.map((_, at) => all.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(([sign]) => sign !== " "));
  const out = [`--- a/${name}\n`, `+++ b/${name}\n`];
  let [old, now, at] = [1, 1, 0];
  while (at < all.length) {
    if (!near[at]) { old += 1; now += 1; at += 1; continue; }
    const hunk = [];
    const [from, to] = [old, now];
    while (at < all.length && near[at]) {
      const [sign, line] = all[at];
      hunk.push(`${sign}${line}`, line.endsWith("\n") ? "" : "\n\\ No newline at end of file\n");
      if (sign !== "+") old += 1;
      if (sign !== "-") now += 1;
      at += 1;
    }
    const size = (begin, count) => `${count === 0 ? begin - 1 : begin},${count}`;
    out.push(`@@ -${size(from, old - from)} +${size(to, now - to)} @@\n`, ...hunk);
  }
  return out.join("");
}
