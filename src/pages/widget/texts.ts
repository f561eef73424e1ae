/** What the element says, in the languages that it brings. `{0}` is a time or an amount. */

const en = {
  loading: "Loading the offer…",
  signInHint: "Sign in to get your code.",
  signIn: "Sign in",
  get: "Get my code",
  show: "Show my code",
  working: "Getting your code…",
  waiting: "Many are asking. Trying again…",
  low: "Almost gone",
  until: "Until {0}",
  off: "{0} off",
  freeShipping: "Free shipping",
  from: "On orders from {0}",
  upTo: "At most {0}",
  consent: "Please agree first.",
  challenge: "Please complete the check first.",
  revealed: "Your code",
  yours: "This code is already yours",
  copy: "Copy",
  copied: "Copied",
  notCopied: "The code is selected: copy it by hand.",
  shop: "Go to the shop",
  useBy: "Use it by {0}",
  reserved: "A code is kept for you until {0}. Show it when you need it.",
  lapsed: "Your code was not shown in time and is no longer kept.",
  redeemed: "You have used this code.",
  expired: "This code has expired.",
  revoked: "This code is no longer valid.",
  exhausted: "All codes are gone.",
  ended: "This offer has ended.",
  notStarted: "Starts {0}",
  paused: "This offer is not open right now.",
  error: "That did not work. Nothing is lost.",
  retry: "Try again",
  unavailable: "This offer cannot be shown here.",
};

export type Texts = typeof en;

const de: Texts = {
  loading: "Das Angebot wird geladen…",
  signInHint: "Melde dich an, um deinen Code zu erhalten.",
  signIn: "Anmelden",
  get: "Code holen",
  show: "Meinen Code zeigen",
  working: "Dein Code wird geholt…",
  waiting: "Viele fragen gerade an. Neuer Versuch…",
  low: "Fast vergriffen",
  until: "Bis {0}",
  off: "{0} Rabatt",
  freeShipping: "Versand kostenlos",
  from: "Bei Bestellungen ab {0}",
  upTo: "Höchstens {0}",
  consent: "Bitte stimme zuerst zu.",
  challenge: "Bitte schließe zuerst die Prüfung ab.",
  revealed: "Dein Code",
  yours: "Dieser Code gehört dir schon",
  copy: "Kopieren",
  copied: "Kopiert",
  notCopied: "Der Code ist markiert: kopiere ihn von Hand.",
  shop: "Zum Shop",
  useBy: "Einlösbar bis {0}",
  reserved: "Ein Code ist für dich reserviert bis {0}. Zeige ihn, wenn du ihn brauchst.",
  lapsed: "Dein Code wurde nicht rechtzeitig gezeigt und ist nicht mehr reserviert.",
  redeemed: "Du hast diesen Code eingelöst.",
  expired: "Dieser Code ist abgelaufen.",
  revoked: "Dieser Code ist nicht mehr gültig.",
  exhausted: "Alle Codes sind vergeben.",
  ended: "Dieses Angebot ist beendet.",
  notStarted: "Beginnt {0}",
  paused: "Dieses Angebot ist gerade nicht offen.",
  error: "Das hat nicht geklappt. Nichts ist verloren.",
  retry: "Noch einmal",
  unavailable: "Dieses Angebot kann hier nicht gezeigt werden.",
};

const LANGUAGES: Record<string, Texts> = { en, de };

/** Those of a language tag, or else the English ones, and of which language they are. */
export function textsFor(tag: string): { language: string; texts: Texts } {
  const language = tag.toLowerCase().split("-")[0] ?? "";
  const texts = LANGUAGES[language];
  return texts === undefined ? { language: "en", texts: en } : { language, texts };
}
