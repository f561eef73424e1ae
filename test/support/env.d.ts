import type { D1Migration } from "cloudflare:test";

declare global {
  namespace Cloudflare {
    interface Env {
      /** The D1 migrations, for the worker tests' set-up only. */
      MIGRATIONS: D1Migration[];
    }
  }
}
