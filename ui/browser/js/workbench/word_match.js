// Finds the word of the reading at the cursor, however the text has been edited since.
const WORD = /\S+/g;
const wordsIn = (text) => [...text.matchAll(WORD)].map((match) => ({
  start: match.index, end: match.index + match[0].length, text: match[0].toLowerCase(),
}));

// For each word of the text, the index of the word that was read there; -1 for an inserted word.
// This is the alignment with the fewest changes (edit distance of words).
function align(read, now) {
  const distance = [Array.from({ length: now.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= read.length; i += 1) {
    distance.push([i]);
    for (let j = 1; j <= now.length; j += 1) {
      const change = read[i - 1] === now[j - 1] ? 0 : 1;
      distance[i].push(Math.min(distance[i - 1][j - 1] + change, distance[i - 1][j] + 1, distance[i][j - 1] + 1));
    }
  }
  // Walk back along the cheapest path.
  const aligned = Array(now.length).fill(-1);
  for (let i = read.length, j = now.length; i > 0 && j > 0;) {
    const change = read[i - 1] === now[j - 1] ? 0 : 1;
    if (distance[i][j] === distance[i - 1][j - 1] + change) { i -= 1; j -= 1; aligned[j] = i; }
    else if (distance[i][j] === distance[i - 1][j] + 1) i -= 1;
    else j -= 1;
  }
  return aligned;
}

const alignTexts = (read, now) => align(read.map((word) => word.toLowerCase()), now.map((word) => word.text));

// The index in the reading of the word at the cursor, or of the last one before it; -1 if none.
function wordAt(area, read) {
  const now = wordsIn(area.value);
  const index = now.findLastIndex((word) => word.start <= area.selectionStart);
  return index < 0 ? -1 : alignTexts(read, now)[index];
}

// Select the next low-confidence word after the cursor (`step` 1) or before it (-1), else the one at the
// other end.
function nextDoubtful(area, { words, doubtful }, step) {
  const now = wordsIn(area.value);
  const aligned = alignTexts(words, now);
  const candidates = now.filter((_, j) => aligned[j] >= 0 && doubtful[aligned[j]]);
  const next = step > 0
    ? candidates.find((word) => word.start > area.selectionStart) ?? candidates[0]
    : candidates.findLast((word) => word.end <= area.selectionStart) ?? candidates.at(-1);
  if (next) area.setSelectionRange(next.start, next.end);
  return Boolean(next);
}
