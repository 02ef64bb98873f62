// Short forms of what is typed most: a day of the outage (17, 17/12, 1217), and a time (940, 9.40).
// What one means is written out in the field when it is left, and asked about when it means nothing.
const two = (number) => String(number).padStart(2, "0");

// The only day of the outage with this day, and this month if there is one; null without or with several.
function dayOf(day, month, [from, to]) {
  const found = [];
  for (const at = new Date(`${from}T12:00Z`); at <= new Date(`${to}T13:00Z`); at.setUTCDate(at.getUTCDate() + 1)) {
    if (at.getUTCDate() === day && (!month || at.getUTCMonth() + 1 === month)) found.push(at.toISOString().slice(0, 10));
  }
  return found.length === 1 ? found[0] : null;
}

const SHORT_FORMS = {
  day(text, days) {
    const [, slashDay, slashMonth, month, day, alone] = /^(?:(\d{1,2})\/(\d{1,2})|(\d\d)(\d\d)|(\d{1,2}))$/.exec(text) ?? [];
    if (slashDay) return dayOf(Number(slashDay), Number(slashMonth), days);
    if (month) return dayOf(Number(day), Number(month), days);
    return alone ? dayOf(Number(alone), 0, days) : text;
  },
  time(text) {
    const [, hour, minute] = /^(\d{1,2})[.: ]?(\d\d)$/.exec(text) ?? [];
    if (!hour) return /^\d+$/.test(text) ? null : text;
    const isTime = (Number(hour) < 24 && Number(minute) < 60) || (hour === "24" && minute === "00");
    return isTime ? `${two(hour)}:${minute}` : null;
  },
};

// What a text means in full, itself if it is no short form, null if it is one that means nothing.
function writeOut(text, { form, days }) {
  if (!text || (form === "day" && !days)) return text;
  return SHORT_FORMS[form](text.trim(), days);
}
