/** The field above the menu of the reference: leaves what has all the words that are typed. */

interface Call {
  text: string;
  parts: HTMLElement[];
}

/** Each call, with its place in the text and in the menu. */
function callsOf(): Call[] {
  return [...document.querySelectorAll<HTMLElement>("[data-operation]")].map((section) => {
    const link = document.querySelector<HTMLElement>(`[data-for="${section.id}"]`);
    const route = section.querySelector(".route")?.textContent ?? "";
    const title = section.querySelector("h3")?.textContent ?? "";
    const tag = section.closest("[data-group]")?.querySelector("h2")?.textContent ?? "";
    const text = `${section.id} ${route} ${title} ${tag}`.toLowerCase();
    return { text, parts: link === null ? [section] : [section, link] };
  });
}

export function watchFilter(place: HTMLElement): void {
  const label = document.createElement("label");
  label.textContent = "Find a call";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "claim, webhooks, DELETE …";
  input.autocomplete = "off";
  label.append(input);
  const status = document.createElement("p");
  status.className = "quiet";
  status.setAttribute("role", "status");
  place.append(label, status);

  const calls = callsOf();
  const groups = document.querySelectorAll<HTMLElement>("[data-group]");
  const nothing = document.querySelector<HTMLElement>("[data-nothing]");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    const found = calls.filter(({ text }) => words.every((word) => text.includes(word)));
    const isFound = new Set(found);
    for (const call of calls) {
      for (const part of call.parts) part.hidden = !isFound.has(call);
    }
    for (const group of groups) {
      const rows = [...group.querySelectorAll<HTMLElement>("[data-operation], [data-for]")];
      group.hidden = rows.every((row) => row.hidden);
    }
    if (nothing !== null) nothing.hidden = found.length > 0;
    status.textContent = input.value === "" ? "" : `${found.length} of ${calls.length}`;
  });
}
