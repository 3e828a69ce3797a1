"use strict";
// Filters the findings and sorts tables. The page says the same without it.
(() => {
  const findings = document.getElementById("findings");
  const rows = [...findings.querySelectorAll("tr.finding")];
  const filter = document.getElementById("filter");
  const text = filter.querySelector("input");
  const selects = [...filter.querySelectorAll("select")];
  const shown = filter.querySelector("output");
  const words = rows.map((row) => row.textContent.toLowerCase());
  const matches = rows.map((row) => [...row.querySelectorAll("li[data-list]")]);

  for (const select of selects) {
    const values = new Set(matches.flat().map((match) => match.dataset[select.name]));
    values.delete("");
    for (const value of [...values].sort()) {
      const option = document.createElement("option");
      option.value = value;
      const named = matches.flat().find((match) => match.dataset[select.name] === value);
      option.textContent = named.dataset[select.name + "Name"] || value;
      select.append(option);
    }
  }

  const apply = () => {
    const wanted = text.value.toLowerCase();
    let count = 0;
    rows.forEach((row, at) => {
      const fits = (match) =>
        selects.every((select) => select.selectedIndex === 0 || match.dataset[select.name] === select.value);
      const chosen = selects.some((select) => select.selectedIndex > 0);
      const visible = words[at].includes(wanted) && (!chosen || matches[at].some(fits));
      row.hidden = !visible;
      count += visible ? 1 : 0;
    });
    shown.textContent = count + " / " + rows.length;
  };
  const names = [...findings.querySelectorAll("details")];
  for (const button of filter.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const open = names.some((name) => !name.open);
      for (const name of names) name.open = open;
    });
  }
  text.addEventListener("input", apply);
  selects.forEach((select) => select.addEventListener("change", apply));
  apply();
  filter.hidden = rows.length === 0;

  const value = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  for (const head of document.querySelectorAll("table.sortable th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      const body = head.closest("table").tBodies[0];
      const at = head.cellIndex;
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const lines = [...body.rows].filter((row) => row.cells.length > at);
      const keys = new Map(lines.map((row) => [row, value(row, at)]));
      const order = (a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0);
      lines.sort((a, b) => (up ? order(a, b) : order(b, a)));
      body.append(...lines);
    });
  }
})();
