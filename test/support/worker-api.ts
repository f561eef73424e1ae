import { env, exports } from "cloudflare:workers";
import { Api } from "./api.ts";
import { logs } from "./logs.ts";

/** The API as the Worker under test serves it, without a socket. */
export const api = new Api({
  fetch: (path, init) => exports.default.fetch(new Request(`http://codedrop.test${path}`, init)),
  operatorToken: env.OPERATOR_TOKEN,
  onAnswer: (text) => logs.learn(text),
});
