// Which word of what was read the caret stands in, however the text has been changed since.
const WORD = /\S+/g;
const wordsIn = (text) => [...text.matchAll(WORD)].map((found) => ({ start: found.index, end: found.index + found[0].length, text: found[0].toLowerCase() }));

// For each word of the text the word that was read there, -1 where one was put in: the fewest changes from one to the other.
function matched(read, now) {
  const steps = [Array.from({ length: now.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= read.length; i += 1) {
    steps.push([i]);
    for (let j = 1; j <= now.length; j += 1) {
      const other = read[i - 1] === now[j - 1] ? 0 : 1;
      steps[i].push(Math.min(steps[i - 1][j - 1] + other, steps[i - 1][j] + 1, steps[i][j - 1] + 1));
    }
  }
  const found = Array(now.length).fill(-1);
  for (let i = read.length, j = now.length; i > 0 && j > 0;) {
    const other = read[i - 1] === now[j - 1] ? 0 : 1;
    if (steps[i][j] === steps[i - 1][j - 1] + other) { i -= 1; j -= 1; found[j] = i; }
    else if (steps[i][j] === steps[i - 1][j] + 1) i -= 1;
    else j -= 1;
  }
  return found;
}

// The word at the caret, or the last one before it, as a place in what was read; -1 where there is none.
function wordAt(area, read) {
  const now = wordsIn(area.value);
  const at = now.findLastIndex((word) => word.start <= area.selectionStart);
  return at < 0 ? -1 : matched(read.map((word) => word.toLowerCase()), now.map((word) => word.text))[at];
}

// Select the next doubtful word after the caret, or the first one.
function nextDoubtful(area, { words, doubtful }) {
  const now = wordsIn(area.value);
  const found = matched(words.map((word) => word.toLowerCase()), now.map((word) => word.text));
  const places = now.filter((_, j) => found[j] >= 0 && doubtful[found[j]]);
  const next = places.find((word) => word.start > area.selectionStart) ?? places[0];
  if (next) area.setSelectionRange(next.start, next.end);
  return Boolean(next);
}
