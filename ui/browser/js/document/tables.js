// Numbers sort as numbers, days as days, words as the language has them; totals stay last.
// Digits with the gaps and the decimal sign of each language.
const NUMBERS = {
  sv: [/^[-−]?[\d\s]+(?:,\d+)?/, /\s/g],
  en: [/^[-−]?[\d,]+(?:\.\d+)?/, /,/g],
};

const DAY = /^(\d{1,2}) ([A-Z][a-z]{2}) (\d{4})/;
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

// A day of either language as year, month, day.
const writeDay = (_, day, month, year) =>
  `${year}-${String(MONTHS.indexOf(month)).padStart(2, "0")}-${day.padStart(2, "0")}`;

function valueOf(cell) {
  const text = (cell?.textContent ?? "").trim().replace(DAY, writeDay);
  if (!cell?.classList.contains("ef-number")) return text;
  const [digits, gaps] = NUMBERS[document.documentElement.lang] ?? NUMBERS.sv;
  const number = digits.exec(text)?.[0].replace(gaps, "").replace("−", "-").replace(",", ".");
  return number ? Number(number) : -Infinity;
}

function sort(button) {
  const head = button.closest("th"), body = head.closest("table").tBodies[0];
  const place = [...head.parentElement.children].indexOf(head);
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const words = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const order = (first, second) => {
    const [a, b] = [first, second].map((row) => valueOf(row.children[place]));
    return typeof a === "number" && typeof b === "number" ? a - b : words.compare(a, b);
  };
  const [totals, rows] = [...body.rows].reduce((parts, row) => {
    parts[row.classList.contains("ef-total") ? 0 : 1].push(row);
    return parts;
  }, [[], []]);
  rows.sort((first, second) => (down ? -1 : 1) * order(first, second));
  body.append(...rows, ...totals);
}

function sortTables(stop) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button.ef-sort");
    if (button) sort(button);
  }, { signal: stop });
}
