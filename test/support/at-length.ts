import { it } from "vitest";
import { THOROUGHLY } from "./thoroughly.ts";

/** A test of pages that tells more than the story: only `npm run test:browser` runs it. */
export const atLength = THOROUGHLY ? it : it.skip;
