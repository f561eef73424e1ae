#!/usr/bin/env node
/** `codedrop`: campaigns, codes and claims from a shell. It speaks to the service like anybody. */

import { run } from "./run.ts";

// Who reads our output may stop before its end, as `head` does: that is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), process);
