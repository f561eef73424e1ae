/** A user as a brand names them, whether its server does or a token of its issuer. */

import { isLine } from "./line.ts";

export const USER_ID_MAX = 255;
export const USER_NAME_MAX = 200;
/** RFC 5321, §4.5.3.1.3, without its brackets. */
export const USER_EMAIL_MAX = 254;

/** Whether a user can be called so. An address loses one or two dots: no path could name them. */
export function isUserId(text: string): boolean {
  return isLine(text, USER_ID_MAX) && text !== "." && text !== "..";
}
