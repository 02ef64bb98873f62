// Finds the word of the reading at the cursor, however the text has been edited since.
const WORD = /\S+/g;
const wordsIn = (text) => [...text.matchAll(WORD)].map((match) => ({
  start: match.index, end: match.index + match[0].length, text: match[0],
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

// The words of a text as it is now; `index` is that of the word that was read there, -1 if none.
function alignedWords(area, read) {
  const now = wordsIn(area.value);
  const aligned = align(read.map((word) => word.toLowerCase()), now.map((word) => word.text.toLowerCase()));
  return now.map((word, place) => ({ ...word, index: aligned[place] }));
}

// The word at the cursor, or the last one before it.
function wordAt(area, read) {
  return alignedWords(area, read).findLast((word) => word.start <= area.selectionStart);
}

// Read with low confidence, and as it was read.
const isDoubtful = ({ index, text }, { words, doubtful }) => doubtful[index] && text.toLowerCase() === words[index].toLowerCase();

// Select the next doubtful word after the cursor (`step` 1) or before it (-1), else the one at the other end.
function nextDoubtful(area, read, step, goesRound = true) {
  const candidates = alignedWords(area, read.words).filter((word) => isDoubtful(word, read));
  const next = (step > 0
    ? candidates.find((word) => word.start > area.selectionStart)
    : candidates.findLast((word) => word.end <= area.selectionStart)) ?? (goesRound ? candidates.at(step > 0 ? 0 : -1) : null);
  if (next) area.setSelectionRange(next.start, next.end);
  return Boolean(next);
}
