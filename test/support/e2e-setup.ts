import { afterAll } from "vitest";
import { logs } from "./logs.ts";

// What the servers printed that the file started itself; serve.ts looks after the shared one.
afterAll(() => logs.check());
