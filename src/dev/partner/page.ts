/** The site's one page, for a user or for nobody. */

import type { Partnership } from "./site.ts";

const SAMPLE_USERS = ["Ann", "Bob", "Chidi"];

interface Product {
  name: string;
  price: string;
  /** An inline picture's shapes. */
  shapes: string;
}

const PRODUCTS: Product[] = [
  {
    name: "Trail pack 28 l",
    price: "€89",
    shapes:
      '<rect x="34" y="26" width="52" height="58" rx="16"/><path d="M46 26c0-16 28-16 28 0"/><rect x="44" y="54" width="32" height="20" rx="6"/>',
  },
  {
    name: "Wool beanie",
    price: "€29",
    shapes:
      '<path d="M32 66c0-44 56-44 56 0z"/><rect x="28" y="64" width="64" height="16" rx="8"/><circle cx="60" cy="26" r="7"/>',
  },
  {
    name: "Steel bottle",
    price: "€34",
    shapes:
      '<rect x="46" y="34" width="28" height="52" rx="9"/><rect x="52" y="18" width="16" height="12" rx="4"/><path d="M46 52h28"/>',
  },
  {
    name: "Camp lantern",
    price: "€45",
    shapes:
      '<rect x="42" y="40" width="36" height="40" rx="7"/><path d="M48 40c0-20 24-20 24 0M42 80h36"/><circle cx="60" cy="60" r="8"/>',
  },
];

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function account(user: string | null): string {
  if (user !== null) {
    return `<section class="card" aria-labelledby="account">
        <h2 id="account">Welcome back, ${escaped(user)}</h2>
        <p class="quiet">Your perks wait for you. Sign out and in again: your code stays yours.</p>
        <form method="post" action="/sign-out"><button class="button">Sign out</button></form>
      </section>`;
  }
  const samples = SAMPLE_USERS.map(
    (name) => `<button class="button" name="name" value="${name}">${name}</button>`,
  ).join("\n            ");
  return `<section class="card" aria-labelledby="account">
        <h2 id="account">Sign in</h2>
        <p class="quiet">This is a demo: any name will do, there is no password.</p>
        <form method="post" action="/sign-in">
          <label for="name">Your name</label>
          <div class="row">
            <input id="name" name="name" maxlength="40" autocomplete="off" required />
            <button class="button primary">Sign in</button>
          </div>
        </form>
        <form method="post" action="/sign-in" aria-label="Sign in as">
          <p class="quiet">Or be one of these:</p>
          <div class="row">
            ${samples}
          </div>
        </form>
      </section>`;
}

const products = PRODUCTS.map(
  ({ name, price, shapes }) => `<li class="card">
          <svg viewBox="0 0 120 100" aria-hidden="true">${shapes}</svg>
          <h3>${name}</h3>
          <p class="quiet">${price}</p>
        </li>`,
).join("\n        ");

export function page(partner: Partnership, user: string | null): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <meta name="color-scheme" content="light dark" />
    <title>Nordkai Market</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/site.css" />
    <script type="module" src="${partner.codedrop}/widget.js"></script>
    <script type="module" src="/site.js"></script>
  </head>
  <body>
    <header>
      <a class="brand" href="/">Nordkai Market</a>
      <p class="quiet">${user === null ? "Not signed in" : `Signed in as ${escaped(user)}`}</p>
    </header>
    <main>
      <div class="hero">
        <p class="quiet">Partner of the month</p>
        <h1>Acme, made for long weekends</h1>
        <p>Packs, bottles and warm things that last. Members of Nordkai Market get a code of
          their own for Acme’s shop.</p>
      </div>
      <div class="perks">
        <section aria-labelledby="perk">
          <h2 id="perk">Your perk</h2>
          <codedrop-claim
            campaign="${partner.campaign}"
            key="${partner.publishableKey}"
          ></codedrop-claim>
        </section>
        ${account(user)}
      </div>
      <h2>From Acme’s autumn range</h2>
      <ul class="products">
        ${products}
      </ul>
    </main>
    <footer class="quiet">A demo site of <a href="${partner.codedrop}/docs">Codedrop</a>. Nothing
      here is for sale.</footer>
  </body>
</html>
`;
}
