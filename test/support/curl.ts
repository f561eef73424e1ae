import { execFileSync } from "node:child_process";

/** Runs a printed `curl …` in a shell: the status and the JSON that it got. */
export function runCurl<Body>(
  command: string,
  environment: Record<string, string> = {},
): { status: number; body: Body } {
  const output = execFileSync("bash", ["-c", `${command} -sS -w '\\n%{http_code}'`], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  const cut = output.lastIndexOf("\n");
  return {
    status: Number(output.slice(cut + 1)),
    body: JSON.parse(output.slice(0, cut)) as Body,
  };
}
