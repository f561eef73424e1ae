/**
 * Whether all pages are tested, at every width, in both schemes, with a million codes. `npm run
 * test:browser` does; among all other tests there is not the time.
 */
export const THOROUGHLY = process.env["THOROUGHLY"] === "1";
