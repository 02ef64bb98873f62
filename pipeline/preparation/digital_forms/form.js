"use strict";
(() => {
  const known = /*KNOWN*/ null;
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const form = document.getElementById("note"), found = document.getElementById("found");
  const saved = document.getElementById("saved"), count = document.getElementById("count");
  const controls = [...form.querySelectorAll("[data-name]")];
  const byName = new Map(controls.map((one) => [one.dataset.name, one]));
  const author = form.querySelector("[data-author]") || document.getElementById("author");
  let isDirty = false, warned = "", savedCount = 0, earlier = null, last = null;

  // ---- SHA-256 and HMAC: file: pages of some browsers have no crypto.subtle.
  const utf8 = (text) => new TextEncoder().encode(text);
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const part = (x) => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
  const K = primes.map((p) => part(Math.cbrt(p))), H = primes.slice(0, 8).map((p) => part(Math.sqrt(p)));
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  function sha256(bytes) {
    const blocks = new Uint8Array(((bytes.length + 72) >> 6) << 6), view = new DataView(blocks.buffer);
    blocks.set(bytes);
    blocks[bytes.length] = 0x80;
    view.setUint32(blocks.length - 8, Math.floor(bytes.length / 2 ** 29));
    view.setUint32(blocks.length - 4, bytes.length << 3);
    const h = [...H], w = new Uint32Array(64);
    for (let at = 0; at < blocks.length; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
      for (let i = 16; i < 64; i++) {
        const a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
        const b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
        w[i] = w[i - 16] + a + w[i - 7] + b;
      }
      let [a, b, c, d, e, f, g, s] = h;
      for (let i = 0; i < 64; i++) {
        const one = (s + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
        const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        s = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
      }
      [a, b, c, d, e, f, g, s].forEach((value, i) => { h[i] = (h[i] + value) | 0; });
    }
    const out = new DataView(new ArrayBuffer(32));
    h.forEach((value, i) => out.setUint32(4 * i, value >>> 0));
    return new Uint8Array(out.buffer);
  }
  function digest(key, text) {
    const pad = (byte) => Uint8Array.from({ length: 64 }, (_, i) => byte ^ (utf8(key)[i] || 0));
    const join = (a, b) => Uint8Array.from([...a, ...b]);
    const hash = sha256(join(pad(0x5c), sha256(join(pad(0x36), utf8(text)))));
    return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // ---- A serial like that of paper: seven random characters and a check character.
  function newSerial() {
    const random = crypto.getRandomValues(new Uint8Array(7));
    const body = [...random].map((byte) => ALPHABET[byte % 32]).join("");
    let total = 0;
    [...body].reverse().forEach((character, i) => {
      const doubled = ALPHABET.indexOf(character) * (i % 2 ? 1 : 2);
      total += Math.floor(doubled / 32) + (doubled % 32);
    });
    return body + ALPHABET[(32 - (total % 32)) % 32];
  }

  // ---- Values
  const dashed = (serial) => `${serial.slice(0, 4)}-${serial.slice(4)}`;
  const two = (n) => String(n).padStart(2, "0");
  const isDay = (y, m, d) => { const day = new Date(Date.UTC(y, m - 1, d)); return m >= 1 && day.getUTCMonth() === m - 1 && day.getUTCDate() === d; };
  function luhn(digits) {
    const sum = [...digits].reverse().reduce((total, digit, i) => {
      const value = digit * (i % 2 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
    return sum % 10 === 0;
  }
  function value(one) {
    if (one.dataset.kind === "choice") return one.querySelector("input:checked")?.value ?? "";
    if (one.type === "checkbox") return one.checked ? "ja" : "";
    return one.value.trim();
  }
  const number = (text) => Number(text.replace(/\s/g, "").replace(",", "."));
  const shownNumber = (text) => String(+text).replace(".", ",");
  const minutes = (text) => (/^\d\d:\d\d$/.test(text) ? 60 * text.slice(0, 2) + Number(text.slice(3)) : NaN);

  // Returns what is wrong, "" if nothing; writes a value in its usual form.
  const checks = {
    date(one, text) {
      // Of a day of birth, two digits do not tell the century.
      const short = one.dataset.when && /^\d{6}$/.test(text) ? `20${text}` : text;
      const m = short.match(/^(\d{4})[-./ ]?(\d\d)[-./ ]?(\d\d)$/);
      if (!m) return "Skriv dagen som ÅÅÅÅ-MM-DD.";
      if (!isDay(+m[1], +m[2], +m[3])) return "Den dagen finns inte.";
      one.value = `${m[1]}-${m[2]}-${m[3]}`;
      return "";
    },
    time(one, text) {
      const m = text.match(/^(\d{1,2})[:., ]?(\d\d)$/);
      if (!m || (+m[1] > 23 && !(+m[1] === 24 && +m[2] === 0)) || +m[2] > 59) return "Skriv klockslaget som TT:MM.";
      one.value = `${two(m[1])}:${m[2]}`;
      return "";
    },
    personnummer(one, text) {
      const plain = text.replace(/[\s\u2010-\u2015\u2212+-]/g, "").toUpperCase();
      if (/^\d{10}$/.test(plain)) return "Skriv tolv siffror: ÅÅÅÅMMDD-NNNN.";
      if (!/^\d{12}$/.test(plain)) {
        if (/^\d+$/.test(plain)) return "Numret har fel antal siffror.";
        return /^[0-9A-ZÅÄÖ/]{4,20}$/.test(plain) && /\d/.test(plain) ? "" : "Det är inget personnummer eller reservnummer.";
      }
      const day = +plain.slice(6, 8), isCoordination = day > 60, month = +plain.slice(4, 6);
      const isDated = isCoordination ? month <= 12 && day <= 91 : isDay(+plain.slice(0, 4), month, day);
      if (day !== 60 && !isDated) return "Numret har en dag som inte finns.";
      if (!luhn(plain.slice(2))) return "Kontrollsiffran stämmer inte. Läs numret en gång till.";
      one.value = `${plain.slice(0, 8)}-${plain.slice(8)}`;
      return "";
    },
    number(one, text) {
      const plain = text.replace(/\s/g, "").replace(",", ".");
      if (!/^-?\d{1,12}(\.\d{1,6})?$/.test(plain)) return "Skriv ett tal.";
      if ((plain.split(".")[1] || "").length > +one.dataset.decimals) return +one.dataset.decimals ? `Högst ${one.dataset.decimals} decimaler.` : "Skriv ett heltal.";
      if ("min" in one.dataset && +plain < +one.dataset.min) return `Minst ${shownNumber(one.dataset.min)}.`;
      if ("max" in one.dataset && +plain > +one.dataset.max) return `Högst ${shownNumber(one.dataset.max)}.`;
      return "";
    },
    code: (one, text) => (/^[\d\s.,–-]+$/.test(text) ? "" : "Skriv bara siffror."),
    blood_pressure: (one, text) => (/^\d{2,3}\s*\/\s*\d{2,3}$/.test(text) ? "" : "Skriv som 120/80."),
    phone: (one, text) => (/^[\d\s+()/-]{3,}$/.test(text) ? "" : "Skriv bara siffror."),
    amount: (one, text) => (/\d/.test(text) ? "" : "Skriv ett belopp."),
    dose: (one, text) => (/\d/.test(text) ? "" : "Skriv en dos med siffror."),
  };
  function wrong(one) {
    const text = value(one), check = checks[one.dataset.format];
    if (!text) return "";
    if (one.dataset.codes && /\d/.test(text) && !one.dataset.codes.includes(text)) return `Siffran betyder inget här. Skriv ${[...one.dataset.codes].join(", ")} eller signatur.`;
    return check && one.dataset.kind === "text" ? check(one, text) : "";
  }
  // ---- Days, by the computer's clock, which may be wrong: the form was made on a day that has been.
  const LONG_AGO_DAYS = 60, today = () => localTime(new Date()).slice(0, 10);
  const isDayText = (text) => /^\d{4}-\d\d-\d\d$/.test(text);
  const daysUntil = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86400000);
  function clockError() {
    const now = localTime(new Date()), age = daysUntil(known.head.made_on, now.slice(0, 10));
    if (age >= -1 && age < 1000) return "";
    return `Datorns klocka går fel: den visar ${now.slice(0, 16).replace("T", " ")}. Ställ den rätt, eller skriv dag och klockslag själv`;
  }
  // What is unusual, and may be right.
  function unusual(one) {
    const text = value(one), data = one.dataset;
    if (!text) return "";
    if ("low" in data && (number(text) < +data.low || number(text) > +data.high)) return `${text} är ovanligt`;
    const other = data.less && byName.get(data.less);
    if (other && value(other)) {
      const pair = data.format === "time" ? [minutes(text), minutes(value(other))] : [number(text), number(value(other))];
      if (pair[0] > pair[1]) return data.format === "time" ? `${text} är senare än ${value(other)} (${other.dataset.label}). Det är rätt om det gick över midnatt` : `${text} är mer än ${value(other)} (${other.dataset.label})`;
    }
    if (data.sum) {
      const sum = JSON.parse(data.sum).reduce((total, name) => total + (byName.has(name) ? number(value(byName.get(name)) || "0") : 0), 0);
      if (Math.abs(sum - number(text)) > 0.001) return `summan blir ${String(Math.round(sum * 1e6) / 1e6).replace(".", ",")}`;
    }
    if (data.when && isDayText(text)) {
      const ago = daysUntil(text, today());
      if (ago < 0) return `${text} har inte varit än`;
      if (ago > LONG_AGO_DAYS) return `${text} är ${ago} dagar sedan`;
    }
    if (data.client && !/^\d{8}-\d{4}$/.test(text)) return "numret kan inte kontrolleras";
    return "";
  }
  const isOfUsedRow = (one) => !one.dataset.row || controls.some((other) => other.dataset.row === one.dataset.row && value(other));
  function missing(one) {
    return one.dataset.must && !value(one) && isOfUsedRow(one);
  }

  function mark(one, text) {
    const place = one.closest("label.field, td, fieldset")?.querySelector("em");
    if (text) one.setAttribute("aria-invalid", "true"); else one.removeAttribute("aria-invalid");
    if (place) place.textContent = text;
  }
  const focusable = (one) => (one.dataset.kind === "choice" ? one.querySelector("input") : one);

  function listProblems() {
    const errors = [], notes = [];
    if (!author.value.trim()) errors.push([author, "Skriv vem du är: namn och titel."]);
    for (const one of controls) {
      const text = wrong(one);
      mark(one, text);
      if (text) errors.push([one, `${one.dataset.label}: ${text}`]);
      else if (missing(one) && one !== author) notes.push([one, `${one.dataset.label} är tomt`]);
      else if (unusual(one)) notes.push([one, `${one.dataset.label}: ${unusual(one)}`]);
    }
    if (clockError()) notes.push([author, clockError()]);
    if (!controls.some((one) => one !== author && value(one) && value(one) !== one.defaultValue)) errors.push([controls[0], "Inget är ifyllt."]);
    return { errors, notes };
  }
  function tell(title, problems) {
    found.replaceChildren();
    found.append(Object.assign(document.createElement("p"), { textContent: title }));
    const list = document.createElement("ul");
    for (const [one, text] of problems.slice(0, 12)) {
      const line = document.createElement("li"), link = button(text, false, () => focusable(one).focus());
      link.className = "link";
      line.append(link);
      list.append(line);
    }
    if (problems.length > 12) list.append(Object.assign(document.createElement("li"), { textContent: `och ${problems.length - 12} till` }));
    found.append(list);
    found.hidden = false;
  }

  // ---- Saving
  function localTime(now) {
    const away = -now.getTimezoneOffset(), hours = Math.floor(Math.abs(away) / 60);
    return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}T${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}${away < 0 ? "-" : "+"}${two(hours)}:${two(Math.abs(away) % 60)}`;
  }
  // The patient of page 1 stands on each page: one file has one patient.
  function copyClient() {
    for (const one of controls) if (one.dataset.copy) one.value = JSON.parse(one.dataset.copy).map((name) => value(byName.get(name))).filter(Boolean).join(" ");
  }
  function stored(one) {
    return { sign: author.value.trim(), paper: "finns på papper" }[one.dataset.kind] ?? value(one);
  }
  function shown(one) {
    return one.dataset.kind === "choice" ? one.querySelector("input:checked").closest("label").textContent.trim() : stored(one);
  }
  function makeNote() {
    copyClient();
    const values = controls.filter(value).map((one) => [one.dataset.page, one.dataset.name, one.dataset.label, stored(one), shown(one)]);
    const before = earlier ? { replaces: earlier.serial } : {};
    return { ...known.head, ...before, pages: known.pages, serial: newSerial(), author: author.value.trim(), written_at: localTime(new Date()), values };
  }
  function download(name, text) {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
  function button(text, isQuiet, act) {
    const one = Object.assign(document.createElement("button"), { type: "button", textContent: text, className: isQuiet ? "quiet" : "" });
    one.addEventListener("click", act);
    return one;
  }
  function paragraph(...parts) {
    const one = document.createElement("p");
    one.append(...parts);
    return one;
  }
  function save() {
    const { errors, notes } = listProblems(), what = notes.map(([, text]) => text).join("\n");
    if (errors.length) {
      warned = "";
      tell("Rätta detta, och spara sedan:", errors);
      focusable(errors[0][0]).focus();
      return;
    }
    if (notes.length && warned !== what) {
      warned = what;
      tell("Stämmer det? Spara en gång till om det är rätt:", notes);
      found.focus();
      return;
    }
    const note = makeNote(), text = JSON.stringify(note);
    const file = JSON.stringify({ efterskrift: known.format, note, digest: digest(known.key, text) }, null, 1);
    const name = `${note.form}-${note.written_at.slice(0, 10)}-${note.written_at.slice(11, 16).replace(":", "")}-${note.serial}${known.suffix}`;
    download(name, file);
    showSaved(name, note.serial, file);
  }
  function showSaved(name, serial, file) {
    isDirty = false; warned = ""; savedCount += 1; found.hidden = true;
    last = { name, serial };
    count.textContent = savedCount === 1 ? "1 fil sparad" : `${savedCount} filer sparade`;
    const heading = Object.assign(document.createElement("h2"), { textContent: "Anteckningen är sparad" });
    const code = Object.assign(document.createElement("code"), { textContent: dashed(serial) });
    const place = Object.assign(document.createElement("b"), { textContent: name });
    const lines = [heading, paragraph("Löpnummer ", code, ". Skriv upp det om anteckningen ska nämnas på papper."),
      Object.assign(paragraph("Se efter att filen finns där webbläsaren sparar hämtade filer: ", place, ". Lägg den på USB-minnet eller i mappen för inskanning. Finns den inte: Spara filen igen."), { className: "file" })];
    if (earlier) lines.push(Object.assign(paragraph(`Den ersätter ${earlier.name}: ta bort den filen.`), { className: "file" }));
    const bar = document.createElement("div"), again = button("Ny anteckning", false, empty);
    bar.append(again, button("Spara filen igen", true, () => download(name, file)), button("Rätta", true, edit), button("Skriv ut", true, () => window.print()));
    saved.replaceChildren(...lines, bar);
    saved.hidden = false; form.hidden = true;
    again.focus();
    window.scrollTo(0, 0);
  }
  function edit() {
    earlier = last;
    saved.hidden = true; form.hidden = false; isDirty = true;
    focusable(controls[0]).focus();
  }
  function empty() {
    form.reset();
    controls.forEach((one) => mark(one, ""));
    isDirty = false; warned = ""; earlier = last = null; found.hidden = true; saved.hidden = true; saved.replaceChildren(); form.hidden = false;
    (document.getElementById("author") || focusable(controls[0])).focus();
    window.scrollTo(0, 0);
  }

  // ---- Printing: what was written, whole, as a box on paper would not hold all of it.
  function fillPrint() {
    const lines = [Object.assign(document.createElement("p"), { textContent: last && !isDirty ? `Löpnummer ${dashed(last.serial)}. Sparad som ${last.name}` : "INTE SPARAD som fil." })];
    const list = document.createElement("dl");
    for (const one of controls.filter(value)) list.append(Object.assign(document.createElement("dt"), { textContent: one.dataset.label }), Object.assign(document.createElement("dd"), { textContent: shown(one) }));
    document.getElementById("print").replaceChildren(...lines, list);
  }

  // ---- Keys and events
  window.addEventListener("beforeprint", fillPrint);
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  form.addEventListener("input", () => { isDirty = true; copyClient(); });
  form.addEventListener("change", (event) => {
    const one = event.target.closest("[data-name]");
    if (one) mark(one, wrong(one));
  });
  form.addEventListener("keydown", (event) => {
    const one = event.target.closest("[data-name]");
    // Enter goes on to the next field, so that nothing is saved half-way.
    if (event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault();
      const isOther = (next) => next === event.target || !next.name || next.name !== event.target.name;
      const all = [...form.querySelectorAll("input:not([readonly]), textarea, #save")].filter(isOther);
      all[all.indexOf(event.target) + 1]?.focus();
    }
    if (one?.dataset.kind === "choice" && ["Delete", "Backspace"].includes(event.key)) {
      one.querySelectorAll("input").forEach((radio) => { radio.checked = false; });
      isDirty = true;
    }
    if (event.key === "ArrowDown" && one && !one.value && ["date", "time"].includes(one.dataset.format) && !clockError()) {
      const now = localTime(new Date());
      one.value = one.dataset.format === "date" ? now.slice(0, 10) : now.slice(11, 16);
      isDirty = true;
      event.preventDefault();
    }
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      if (!form.hidden) save();
    }
  });
  document.getElementById("empty").addEventListener("click", () => { if (!isDirty || window.confirm("Töm alla fält? Det som inte är sparat försvinner.")) empty(); });
  window.addEventListener("beforeunload", (event) => { if (isDirty) event.preventDefault(); });

  for (const one of form.querySelectorAll("[data-wide]")) {
    const wide = Number(one.dataset.wide);
    if (one.classList.contains("field")) one.classList.add(wide <= 62 ? "narrow" : wide <= 110 ? "middle" : "broad");
  }
  for (const one of form.querySelectorAll("td > input[type=checkbox]")) one.parentElement.classList.add("has-tick");
  for (const one of form.querySelectorAll("[data-format=date], [data-format=time]")) one.title = one.dataset.format === "date" ? "Pil ner: i dag" : "Pil ner: nu";
  const clock = document.getElementById("clock");
  clock.textContent = clockError() && `${clockError()}.`;
  clock.hidden = !clock.textContent;
  empty();
})();
