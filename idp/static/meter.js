/*
 * « Sûreté du mot de passe » while one types: the sum of idp/domain/password_strength.py, here, so that nothing is sent.
 * The provider also looks into its lists; it is what decides. Without this script the meter stays hidden.
 */
(() => {
  "use strict";
  const PAIRS =
    "abcdfgiklmnprstuvwy baeijlorsuy cacehiklnoprstuy dacdeiloprsuv eabcdefgilmnopqrstuvwxyz faefilortu gacehilnorsuy " +
    "haeiortuy iabcdefglmnopqrstvz jaeo kceins ladeilmostuy mabceimopsu nacdefgiklnostuv oabcdfgiklmnoprstuvwxy " +
    "paehikloprstu qu rabcdefgiklmnoprstuvy sacehiklmopstuwy tacehiloprstuwy uabcdegilmnprstv vaeio waehinos xaeipt " +
    "yaemnops zae";
  const ROWS = ["azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "&é\"'(-è_çà"];
  const LEET = { 0: "o", 1: "i", 3: "e", 4: "a", 5: "s", 7: "t", "@": "a", $: "s", "!": "i", "€": "e" };
  const SEPARATORS = " -_.,'!?";
  const YEAR = /^(19|20)\d\d$/;
  const DATE = /^(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])((19|20)?\d\d)$/;
  const MIN_LENGTH = 12;
  const MAX_LENGTH = 128;
  const isLetter = (c) => c >= "a" && c <= "z" && c.length === 1;
  const isDigit = (c) => /^\p{Nd}$/u.test(c);
  const isAlphanumeric = (c) => /^[\p{L}\p{N}]$/u.test(c);
  const isAscii = (c) => c.codePointAt(0) < 128;
  const ALPHABETS = [[10, isDigit], [32, (c) => isAscii(c) && !isAlphanumeric(c)], [100, (c) => !isAscii(c)]];
  const followers = Object.fromEntries(PAIRS.split(" ").map((group) => [group[0], group.slice(1)]));
  const neighbours = new Set(ROWS.flatMap((row) => [...row].slice(1).map((c, i) => row[i] + c)));
  const step = (a, b) => (isAlphanumeric(b) ? b.codePointAt(0) - a.codePointAt(0) : 0);
  const WAYS = [
    (a, b) => a === b,
    (a, b) => step(a, b) === 1,
    (a, b) => step(a, b) === -1,
    (a, b) => neighbours.has(a + b),
    (a, b) => neighbours.has(b + a),
  ];

  const plain = (text) => [...text.normalize("NFKD")].filter((c) => !/^\p{M}$/u.test(c));
  const lower = (c) => ([...c.toLowerCase()].length === 1 ? c.toLowerCase() : c);
  const run = (text, at, isOne) => {
    let length = 0;
    while (at + length < text.length && isOne(text[at + length])) length += 1;
    return length;
  };

  function echo(text, at) {
    let length = 3;
    while (at + length < text.length && text.slice(0, at + length).join("").includes(text.slice(at, at + length + 1).join("")))
      length += 1;
    return length > 3 ? length : 0;
  }

  function walk(text, at) {
    return Math.max(...WAYS.map((follows) => {
      let length = 1;
      while (at + length < text.length && follows(text[at + length - 1], text[at + length])) length += 1;
      return length;
    }));
  }

  function date(digits) {
    if (YEAR.test(digits)) return ["date", 4, 7];
    return DATE.test(digits) ? ["date", digits.length, 15] : null;
  }

  function word(text, isUpper, at) {
    const length = run(text, at, isLetter);
    const after = text[at + length];
    if (length === 2 || length === 3) {
      const isAlone =
        (at === 0 || SEPARATORS.includes(text[at - 1])) && (after === undefined || SEPARATORS.includes(after));
      return isAlone ? ["words", length, 6] : null;
    }
    let usual = 0;
    for (let i = at + 1; i < at + length; i += 1) usual += followers[text[i - 1]].includes(text[i]) ? 1 : 0;
    if (length < 4 || usual * 5 < (length - 1) * 4) return null;
    const capitals = isUpper.slice(at + 1, at + length);
    const mixed = capitals.some(Boolean) && !capitals.every(Boolean) ? length : 0;
    return ["words", length, 12 + 2 * Math.max(0, length - 8) + mixed];
  }

  function piece(text, isUpper, at, known) {
    const rest = text.slice(at).join("");
    const found = known.find((each) => rest.startsWith(each));
    if (found) return ["known", [...found].length, 3];
    const again = echo(text, at);
    if (again) return ["repeat", again, 4];
    const length = walk(text, at);
    if (length >= (isLetter(text[at]) ? 4 : 3)) return ["walk", length, 8];
    const explained = date(text.slice(at, at + run(text, at, isDigit)).join("")) || word(text, isUpper, at);
    return explained || (length >= 3 ? ["walk", length, 8] : ["", 1, 0]);
  }

  function weigh(text, isUpper, known, letters) {
    const covered = { "": 0, known: 0, repeat: 0, walk: 0, date: 0, words: 0 };
    const unexplained = [];
    let bits = 0;
    for (let at = 0; at < text.length; ) {
      const [kind, length, cost] = piece(text, isUpper, at, known);
      covered[kind] += length;
      bits += cost;
      if (!kind && SEPARATORS.includes(text[at])) bits += text.slice(0, at).includes(text[at]) ? 1 : 3;
      else if (!kind) unexplained.push(text[at]);
      at += length;
    }
    let alphabet = unexplained.some(isLetter) ? letters : 0;
    for (const [size, isOne] of ALPHABETS) alphabet += unexplained.some(isOne) ? size : 0;
    bits += unexplained.length * Math.log2(alphabet || 1);
    const weakness = Object.keys(covered).reduce((most, kind) => (covered[kind] > covered[most] ? kind : most), "");
    return { bits: Math.floor(bits + 0.5), weakness };
  }

  function estimate(password, words) {
    const shown = plain(password);
    const folded = shown.map(lower);
    const isUpper = shown.map((c) => /^\p{Lu}$/u.test(c));
    const known = [...words].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    const uppers = [...password].filter((c) => /^\p{Lu}$/u.test(c)).length;
    const lowers = [...password].filter((c) => /^\p{Ll}$/u.test(c)).length;
    const letters = uppers > 1 && lowers > 1 ? 52 : 26;
    const texts = [folded];
    if (folded.filter(isLetter).length * 2 >= folded.length) texts.push(folded.map((c) => LEET[c] ?? c));
    const readings = texts.map((text) => weigh(text, isUpper, known, letters));
    return readings.reduce((best, each) => (each.bits < best.bits ? each : best));
  }

  /* Level, reason and bits of a password, by the rules that the page was given. */
  function judge(password, rules) {
    const length = [...password.normalize("NFC")].length;
    if (length < MIN_LENGTH) return { level: "very_weak", reason: "too_short", bits: Math.min(29, length * 2) };
    if (length > MAX_LENGTH) return { level: "very_weak", reason: "too_long", bits: 0 };
    const { bits, weakness } = estimate(password, rules.words);
    if (bits < rules.least) return { level: bits < 30 ? "very_weak" : "weak", reason: weakness, bits };
    return { level: bits < 65 ? "fair" : bits < 80 ? "good" : "strong", reason: null, bits };
  }

  if (typeof document === "undefined") {
    globalThis.judge = judge;
    return;
  }
  for (const box of document.querySelectorAll("[data-meter]")) {
    const field = document.getElementById(box.dataset.meter);
    const rules = JSON.parse(box.dataset.rules);
    let later = 0;
    const show = () => {
      const { level, reason } = judge(field.value, rules);
      box.querySelector("[data-level]").textContent = rules.levels[level];
      box.querySelector("[data-reason]").textContent = reason === null ? "" : rules.reasons[reason];
    };
    field.addEventListener("input", () => {
      box.hidden = !field.value;
      box.querySelector("meter").value = field.value ? judge(field.value, rules).bits : 0;
      clearTimeout(later); // words are read aloud: once one has stopped typing
      if (field.value) later = setTimeout(show, 400);
    });
  }
})();
